{#- Exact, interpolated percentiles of a value. Args: SQL expression, list of fractions. Returns: an aggregate, a list. -#}
{% macro percentiles(value, fractions) -%}
  {{ return(adapter.dispatch('percentiles')(value, fractions)) }}
{%- endmacro %}

{% macro default__percentiles(value, fractions) -%}
  {{ exceptions.raise_compiler_error('percentiles is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__percentiles(value, fractions) -%}
  quantile_cont({{ value }}, [{{ fractions | join(', ') }}])
{%- endmacro %}

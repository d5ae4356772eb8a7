{#- Seconds from one instant to another, with fractions. Args: two TIMESTAMP expressions. Returns: DOUBLE. -#}
{% macro seconds_between(first, last) -%}
  {{ return(adapter.dispatch('seconds_between')(first, last)) }}
{%- endmacro %}

{% macro default__seconds_between(first, last) -%}
  {{ exceptions.raise_compiler_error('seconds_between is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__seconds_between(first, last) -%}
  epoch({{ last }} - {{ first }})
{%- endmacro %}

{#- The exact, interpolated quartiles of a value, as an aggregate or window function. Returns: a list of three. -#}
{% macro quartiles(value) -%}
  {{ return(adapter.dispatch('quartiles')(value)) }}
{%- endmacro %}

{% macro default__quartiles(value) -%}
  {{ exceptions.raise_compiler_error('quartiles is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__quartiles(value) -%}
  quantile_cont({{ value }}, [0.25, 0.5, 0.75])
{%- endmacro %}

{#- An item of a list, counted from 1. Args: SQL expression of a list, position. Returns: a SQL expression. -#}
{% macro list_item(list, position) -%}
  {{ return(adapter.dispatch('list_item')(list, position)) }}
{%- endmacro %}

{% macro default__list_item(list, position) -%}
  {{ exceptions.raise_compiler_error('list_item is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__list_item(list, position) -%}
  {{ list }}[{{ position }}]
{%- endmacro %}

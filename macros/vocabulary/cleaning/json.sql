{#-
  Whether a text is a JSON object (not an array, a number, or broken).

  Args:
    value (SQL expression): trimmed text; evaluated several times, so pass a column.
  Returns: a SQL expression of type BOOLEAN.

  DuckDB reads more than JSON: a comma before a closing bracket, NaN and Infinity. Text that may hold one of those is
  looked at again without its strings, which may hold anything. Each pattern begins with one certain character,
  because such are found several times faster.
-#}
{% macro is_json_object(value) -%}
  {{ return(adapter.dispatch('is_json_object')(value)) }}
{%- endmacro %}

{% macro default__is_json_object(value) -%}
  {{ exceptions.raise_compiler_error('is_json_object is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__is_json_object(value) -%}
  {%- set no_strings = "regexp_replace(" ~ value ~ ", '\"([^\"\\\\]|\\\\.)*\"', '0', 'g')" -%}
  (case
    when not json_valid({{ value }}) then false
    when ({{ duckdb__is_lax_json(value) }}) and ({{ duckdb__is_lax_json(no_strings) }}) then false
    else json_type({{ value }}) = 'OBJECT'
  end)
{%- endmacro %}

{#- Whether a text that DuckDB takes for JSON has a comma too many, or one of its words for numbers that are none. -#}
{% macro duckdb__is_lax_json(value) -%}
  {%- set word = '-?[iInN][aAnN][fFnN]' -%}
  regexp_matches({{ value }}, ',[[:space:]]*([]}]|{{ word }})')
  or regexp_matches({{ value }}, ':[[:space:]]*{{ word }}')
  or regexp_matches({{ value }}, '[[][[:space:]]*{{ word }}')
{%- endmacro %}

{#- The length of a text in bytes of UTF-8. Args: SQL expression. Returns: BIGINT. -#}
{% macro byte_length(value) -%}
  {{ return(adapter.dispatch('byte_length')(value)) }}
{%- endmacro %}

{% macro default__byte_length(value) -%}
  {{ exceptions.raise_compiler_error('byte_length is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__byte_length(value) -%}
  strlen({{ value }})
{%- endmacro %}

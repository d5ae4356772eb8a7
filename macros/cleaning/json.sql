{#- Whether a text is a JSON object (not an array, a number, or broken). Args: SQL expression. Returns: BOOLEAN. -#}
{% macro is_json_object(value) -%}
  {{ return(adapter.dispatch('is_json_object')(value)) }}
{%- endmacro %}

{% macro default__is_json_object(value) -%}
  {{ exceptions.raise_compiler_error('is_json_object is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__is_json_object(value) -%}
  (case when json_valid({{ value }}) then json_type({{ value }}) = 'OBJECT' else false end)
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

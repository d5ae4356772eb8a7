{#- A text as a SQL string literal. -#}
{% macro duckdb__text_literal(text) -%}
  '{{ text | replace("'", "''") }}'
{%- endmacro %}

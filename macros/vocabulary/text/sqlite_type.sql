{#- The SQLite type of a published column. -#}
{% macro duckdb__sqlite_type(dtype) -%}
  {%- set kind = dtype | upper -%}
  {%- if 'CHAR' in kind or kind == 'TEXT' -%}{{ return('TEXT') }}
  {%- elif 'INT' in kind or kind == 'BOOLEAN' -%}{{ return('INTEGER') }}
  {%- elif kind in ('DOUBLE', 'FLOAT', 'REAL') -%}{{ return('REAL') }}
  {%- else -%}
    {{ exceptions.raise_compiler_error('A published column has type ' ~ dtype ~ '; cast it to text, an integer or a double') }}
  {%- endif -%}
{%- endmacro %}

{#-
  Personal data as it is published: SHA-256 over the key, byte 0x1F and the trimmed value.

  Args:
    value (SQL expression): the trimmed text.
  Returns: a SQL expression of type VARCHAR: 64 lower-case hexadecimal digits, null for null. The key is a variable of
    the connection (set by the dbt plugin), so that it appears in no compiled SQL and no log.
-#}
{% macro pii_hash(value) -%}
  {{ return(adapter.dispatch('pii_hash')(value)) }}
{%- endmacro %}

{% macro default__pii_hash(value) -%}
  {{ exceptions.raise_compiler_error('pii_hash is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__pii_hash(value) -%}
  sha256(getvariable('pii_key') || chr(31) || {{ value }})
{%- endmacro %}

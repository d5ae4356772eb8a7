{#-
  The last tie-break between records of one key: md5 over the trimmed contract fields.

  Args:
    fields (list of strings): the feed's columns in contract order, untouched columns of the landing records.
  Returns: a SQL expression of type VARCHAR: 32 hexadecimal digits over the trimmed fields, null as chr(0), joined
    by chr(31).
-#}
{% macro record_md5(fields) -%}
  {{ return(adapter.dispatch('record_md5')(fields)) }}
{%- endmacro %}

{% macro default__record_md5(fields) -%}
  {{ exceptions.raise_compiler_error('record_md5 is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__record_md5(fields) -%}
  md5(
    {%- for field in fields %}
    coalesce({{ duckdb__trimmed('"' ~ field ~ '"') }}, chr(0)){{ ' || chr(31) ||' if not loop.last }}
    {%- endfor %}
  )
{%- endmacro %}

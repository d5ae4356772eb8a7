{#-
  What was received, as a JSON object of the raw fields (columns of the file that the feed does not know included).

  Args:
    fields (list of strings): the feed's column names, untouched columns of the landing records.
    extra (SQL expression): the JSON object of unknown columns, or null.
  Returns: a SQL expression of type VARCHAR. A field that was empty or absent is null.
-#}
{% macro raw_record(fields, extra='_extra') -%}
  {{ return(adapter.dispatch('raw_record')(fields, extra)) }}
{%- endmacro %}

{% macro default__raw_record(fields, extra) -%}
  {{ exceptions.raise_compiler_error('raw_record is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__raw_record(fields, extra) -%}
  {%- set known -%}
    json_object({% for field in fields %}'{{ field }}', "{{ field }}"{{ ', ' if not loop.last }}{% endfor %})
  {%- endset -%}
  cast(case when {{ extra }} is null then {{ known }} else json_merge_patch({{ known }}, {{ extra }}) end as varchar)
{%- endmacro %}

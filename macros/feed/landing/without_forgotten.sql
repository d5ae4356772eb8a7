{#-
  A message about a file that cannot be read, unless it holds something of somebody who was forgotten.
  Args: feed (string), text (SQL expression). Returns: a SQL expression.
-#}
{% macro without_forgotten_text(feed, text) -%}
  {%- set conditions = [] -%}
  {%- for column in run_query("select distinct column_name from state.suppressed where feed = '" ~ feed ~ "' order by 1").columns[0].values() -%}
    {%- set parts = 'replace(' ~ text ~ ", chr(39), ',')" -%}
    {%- do conditions.append(duckdb__raw_text_is_forgotten(parts, duckdb__suppressed_hashes(feed, column), column_fold(feed, column))) -%}
  {%- endfor -%}
  {%- if not conditions -%}{{ return(text) }}{%- endif -%}
  case when {{ conditions | join(' or ') }} then {{ duckdb__silent_error() }} else {{ text }} end
{%- endmacro %}

{#-
  Landing records of which those of forgotten people are empty, with the fault `forgotten`: they become rejected rows with
  nothing in them, which record_loads counts and deletes in the same transaction.

  Args:
    feed (string): the feed.
    records (SQL query): landing records (see landing_records).
  Returns: a SQL query with the same columns.
-#}
{% macro without_forgotten(feed, records) -%}
  {%- set condition = forgotten_condition(feed) -%}
  {%- if not condition -%}
    {{ return(records) }}
  {%- endif -%}
  select
    _load_id,
    {%- for column in landing_columns(feed) %}
    case when not is_forgotten then "{{ column }}" end as "{{ column }}",
    {%- endfor %}
    case when not is_forgotten then _extra end as _extra,
    case when is_forgotten then 'forgotten' else _fault end as _fault,
    case when not is_forgotten then _raw_text end as _raw_text,
    _line,
    _date_order,
    _decimal,
    _is_tied
  from (
    select
      *,
      {{ condition }} as is_forgotten
    from ({{ records }})
  )
{%- endmacro %}

{#- What stands in the ledger in the place of an error that told something of a person. -#}
{% macro duckdb__silent_error() -%}
  'The file cannot be read. What it said of it was taken out, because it held something of a person who was forgotten.'
{%- endmacro %}

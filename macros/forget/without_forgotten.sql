{#-
  Landing records of which those of forgotten people are empty, with the fault `forgotten`: they become rejected rows with
  nothing in them, which record_loads counts and deletes in the same transaction.

  Args:
    feed (string): the feed.
    records (SQL query): landing records (see open_landing).
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
    _is_tied
  from (
    select
      *,
      {{ condition }} as is_forgotten
    from ({{ records }})
  )
{%- endmacro %}

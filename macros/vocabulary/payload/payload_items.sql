{#-
  The items of a declared list (var payload_arrays), one row each, their declared columns typed.

  Args:
    name (string): the list.
    events (string): the CTE or relation of events with the columns schema_version and payload.
    keep (list of strings): the events' columns to keep.
  Returns: a SQL query with the kept columns, position (from 1) and the declared columns. An item that is not what was
    declared has nulls; an event whose list is absent, or no list, has no rows.
-#}
{% macro payload_items(name, events, keep) -%}
  {{ return(adapter.dispatch('payload_items')(name, events, keep)) }}
{%- endmacro %}

{% macro default__payload_items(name, events, keep) -%}
  {{ exceptions.raise_compiler_error('payload_items is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__payload_items(name, events, keep) -%}
  {%- set declared = payload_array(name) -%}
  {%- set kept = keep | join(', ') -%}
  with lists as (
    select
      {{ kept }},
      case
        {%- for source in declared.sources %}
        when schema_version >= {{ source.since }} then json_extract(payload, '{{ source.path }}')
        {%- endfor %}
      end as list
    from {{ events }}
  ),

  items as (
    select
      {{ kept }},
      unnest(json_extract(list, '$[*]')) as item,
      generate_subscripts(json_extract(list, '$[*]'), 1) as position
    from lists
    where json_type(list) = 'ARRAY'
  ),

  told as (
    select
      {{ kept }},
      position
      {%- for column in declared.columns %},
      case when json_type(item, '{{ column.path }}') not in ('OBJECT', 'ARRAY') then json_extract_string(item, '{{ column.path }}') end as {{ column.name }}
      {%- endfor %}
    from items
  ),

  cleaned as (
    select
      {{ kept }},
      position
      {%- for column in declared.columns %},
      {{ clean_text(column.name) }} as {{ column.name }}
      {%- endfor %}
    from told
  )

  select
    {{ kept }},
    cast(position as integer) as position
    {%- for column in declared.columns %},
    {{ payload_typed(column.type, column.name) }} as {{ column.name }}
    {%- endfor %}
  from cleaned
{%- endmacro %}

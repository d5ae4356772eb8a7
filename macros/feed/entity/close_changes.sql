{#-
  Post-hook of int_<feed>_contested, in its transaction: number the batch, and note the loads the entity reflects.

  Args:
    feed (string): the feed.
  Returns: SQL statements.
-#}
{% macro close_changes(feed) -%}
  {{ return(adapter.dispatch('close_changes')(feed)) }}
{%- endmacro %}

{% macro default__close_changes(feed) -%}
  {{ exceptions.raise_compiler_error('close_changes is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__close_changes(feed) -%}
  {%- set declared = entity(feed) -%}
  {%- if entity_is_rebuilt(feed) %}
  create or replace table state.changed_{{ feed }} as
  select
    {%- for column in declared.columns %}
    {{ column }},
    {%- endfor %}
    cast(null as date) as ingest_date,
    _key_hash,
    cast(0 as tinyint) as sign,
    cast(0 as integer) as batch_id
  from {{ ref('stg_landing__' ~ feed) }}
  where false;
  delete from state.changed_loads where feed = '{{ feed }}';
  delete from state.changed_references where feed = '{{ feed }}';
  delete from state.released_records where feed = '{{ feed }}';
  insert into state.batches (feed, batch_id, is_full) select '{{ feed }}', {{ next_batch(feed) }}, true;
  {%- else %}
  insert into state.batches (feed, batch_id, is_full)
  select '{{ feed }}', {{ next_batch(feed) }}, false
  where
    exists (select 1 from state.changed_{{ feed }} where batch_id = {{ next_batch(feed) }})
    or exists (select 1 from state.changed_loads where feed = '{{ feed }}' and batch_id = {{ next_batch(feed) }});
  {%- endif %}
  delete from state.applied where feed = '{{ feed }}';
  insert into state.applied select feed, load_id from state.current_loads where feed = '{{ feed }}';
  {%- if declared.reference %}
  {{ note_consumed(declared.reference.entity) }}
  {%- endif %}
  {%- if declaration(feed) %}
  delete from state.built where model = 'int_{{ feed }}_contested declared';
  insert into state.built values ('int_{{ feed }}_contested declared', '{{ declaration(feed) }}');
  {%- endif %}
{%- endmacro %}

{#-
  Incremental strategy of int_<feed>_contested: log what changed, then replace the touched keys.

  Everything happens in the model's one transaction, because the state before is known only until it is replaced:
  1. The difference between the best records before and after goes to state.changed_<feed>, signed; a record that
     stays as it is cancels out, so a rewrite that changes nothing leaves no trace.
  2. The touched keys are replaced. Keys that are no longer contested leave the table.
-#}
{% macro get_incremental_replace_touched_sql(args) -%}
  {{ return(adapter.dispatch('replace_touched_sql')(args)) }}
{%- endmacro %}

{% macro default__replace_touched_sql(args) -%}
  {{ exceptions.raise_compiler_error('replace_touched is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__replace_touched_sql(args) -%}
  {%- set feed = config.get('meta').feed -%}
  {%- set declared = entity(feed) -%}
  {%- set columns = declared.columns + ['ingest_date'] -%}
  {%- set columns_csv = args.dest_columns | map(attribute='quoted') | join(', ') -%}
  {%- if entity_is_rebuilt(feed) %}
  delete from {{ args.target_relation }};
  {%- else %}
  insert into state.changed_{{ feed }} by name
  with uncontested_before as (
    select {{ columns | join(', ') }}, _key_hash, -1 as sign
    from rivals
    where
      was_accepted
      and _key_hash not in (select _key_hash from {{ args.target_relation }} where _key_hash in (select _key_hash from touched))
  ),

  contested_before as (
    select {{ columns | join(', ') }}, _key_hash, -1 as sign
    from {{ args.target_relation }}
    where _rank = 1 and _key_hash in (select _key_hash from touched)
  ),

  best_after as (
    select {{ columns | join(', ') }}, _key_hash, 1 as sign from {{ args.temp_relation }} where _rank = 1
  ),

  signed as (
    select * from uncontested_before
    union all by name
    select * from contested_before
    union all by name
    select * from best_after
  )

  select {{ columns | join(', ') }}, _key_hash, cast(sum(sign) as tinyint) as sign, {{ next_batch(feed) }} as batch_id
  from signed
  group by {{ columns | join(', ') }}, _key_hash
  having sum(sign) != 0;

  insert into state.changed_loads
  select '{{ feed }}', {{ next_batch(feed) }}, load_id, true from moved_loads
  {%- if declared.reference %}
  union
  select '{{ feed }}', {{ next_batch(feed) }}, _load_id, false
  from referring
  where
    _load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
    and _load_id not in (select load_id from moved_loads);

  -- A build that was killed before it came here may have logged what became known and is unknown again.
  delete from state.released_records
  where
    feed = '{{ feed }}' and batch_id = {{ next_batch(feed) }}
    and reference not in (select reference from moved_references where sign > 0);

  insert into state.changed_references
  select distinct '{{ feed }}', {{ next_batch(feed) }}, moved_references.reference, moved_references.sign
  from referring
  inner join moved_references on referring.reference = moved_references.reference
  where referring._load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
  {%- endif %};

  delete from {{ args.target_relation }} where _key_hash in (select _key_hash from touched);
  {%- endif %}
  insert into {{ args.target_relation }} ({{ columns_csv }})
  select {{ columns_csv }} from {{ args.temp_relation }} where _is_contested;
{%- endmacro %}

{#- The number that the batch now being written gets. Args: feed (string). -#}
{% macro next_batch(feed) -%}
  (select coalesce(max(batch_id), 0) + 1 from state.batches where feed = '{{ feed }}')
{%- endmacro %}

{#-
  The materialization `entity`: a model's SQL says which record of each key is the best (best_records); what is kept says the
  same by less work. The model itself is a view over its staged records (entity_rows); beside it stand

    state.contested_<feed>  the accepted records of the keys that occur more than once, ranked
    state.waiting_<feed>    of a feed with a reference: the records that name something unknown

  A build looks at the loads that came or went, and at the references that became known or unknown, since the entity was
  last changed (state.applied, state.consumed), and replaces what they touch. The difference is logged, signed, under a new
  number (state.batches). All of it is one transaction.

  The entity is made anew at its first build, at a full refresh, when its staged records or the entity it refers to were
  made anew, and when its definition, or what is declared of its rows, is another.
  With --empty an entity that stands stays as it is.
-#}
{% materialization entity, adapter='duckdb' %}
  {%- set feed = config.get('meta').feed -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- set made = this.incorporate(type='view') -%}
  {%- set rows = entity_rows(feed) -%}
  {%- set fingerprint = "'" ~ local_md5(compiled_code ~ rows ~ declaration()) ~ "'" -%}
  {%- set kept = existing is not none and existing.is_view and not should_full_refresh() -%}
  {%- set news = {'is_full': true, 'is_waiting': true} -%}
  {%- if kept -%}
    {%- do news.update({'is_full': false, 'is_waiting': false} if flags.EMPTY else entity_news(feed, fingerprint)) -%}
  {%- endif -%}
  {%- if not news.is_waiting %}
    {%- call noop_statement('main', 'NOTHING NEW') -%}
      {{ compiled_code }}
    {%- endcall -%}
    {{ return({'relations': [made]}) }}
  {%- endif %}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {%- call statement('begin', auto_begin=true) -%}
    select 1
  {%- endcall -%}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {%- if news.is_full -%}
    {%- do run_statements(duckdb__make_entity_anew_sql(feed)) -%}
  {%- else -%}
    {%- do duckdb__change_entity(feed) -%}
  {%- endif -%}
  {%- call statement('main') -%}
    {%- if existing is not none %}
    drop {{ existing.type }} {{ existing }};
    {%- endif %}
    {{ get_create_view_as_sql(made, rows) }}
  {%- endcall -%}
  {%- do run_statements(forget_built() if flags.EMPTY else note_entity(feed, fingerprint)) -%}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {%- do adapter.commit() -%}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [made]}) }}
{% endmaterialization %}

{#-
  What an entity, the current model, has yet to take in.

  Args:
    feed (string): the feed.
    fingerprint (SQL expression): see is_built_from.
  Returns: a mapping of booleans: is_waiting: there is something; is_full: so that it must be made anew.
-#}
{% macro entity_news(feed, fingerprint) -%}
  {%- set reference = entity(feed).reference -%}
  {%- set asked -%}
    select
      not {{ duckdb__is_built_sql(fingerprint) }}
      or exists (select 1 from state.applied where feed = '{{ feed }}' and load_id not in (select load_id from state.loads))
      {%- if reference %}
      or exists (
        select 1 from state.batches
        where feed = '{{ reference.entity }}' and is_full and batch_id > {{ consumed_batch(this.identifier, reference.entity) }}
      )
      {%- endif %},
      exists ({{ moved_loads(feed) }})
      {%- if reference %}
      or exists ({{ unconsumed_batches([reference.entity]) }})
      {%- endif %}
  {%- endset -%}
  {%- set found = run_query(asked).rows[0] -%}
  {{ return({'is_full': found[0], 'is_waiting': found[0] or found[1]}) }}
{%- endmacro %}

{#- Note, in the entity's own transaction, what it reflects. Args: feed (string), fingerprint: see entity_news. Returns: SQL statements. -#}
{% macro note_entity(feed, fingerprint) -%}
  {%- set reference = entity(feed).reference -%}
  delete from state.applied where feed = '{{ feed }}';
  insert into state.applied select feed, load_id from state.current_loads where feed = '{{ feed }}';
  {%- if reference %}
  {{ note_consumed(reference.entity) }}
  {%- endif %}
  {{ note_built(fingerprint) }}
{%- endmacro %}

{#- The statements that make what is kept of an entity anew. Nothing is logged but that everything may have changed. -#}
{% macro duckdb__make_entity_anew_sql(feed) -%}
  {%- set declared = entity(feed) -%}
  {%- set staged = relation_of('stg_landing__' ~ feed) -%}
  {%- if declared.reference %}
  create or replace table state.waiting_{{ feed }} as
  {{ duckdb__waiting_records(feed, staged, 'true') }};
  {%- endif %}

  create or replace table state.contested_{{ feed }} as
  select *
  from (
    {{ ranked_rivals(feed, '(select * from (' ~ accepted_of(feed) ~ ') where _key_hash in (' ~ duckdb__repeated_keys(feed) ~ '))') }}
  )
  where _is_contested;

  create or replace table state.changed_{{ feed }} as
  select
    {%- for column in declared.columns %}
    {{ column }},
    {%- endfor %}
    cast(null as date) as ingest_date,
    _key_hash,
    cast(0 as tinyint) as sign,
    cast(0 as integer) as batch_id
  from {{ staged }}
  where false;

  delete from state.changed_loads where feed = '{{ feed }}';
  delete from state.changed_references where feed = '{{ feed }}';
  delete from state.released_records where feed = '{{ feed }}';
  insert into state.batches (feed, batch_id, is_full) select '{{ feed }}', {{ next_batch(feed) }}, true
{%- endmacro %}

{#-
  The hashes of the keys that occur more than once among the accepted records, or of some more. settle_ties has already
  found those of the last load; they are all there are when that load brought every current file. (Of a feed with a
  reference, only records that wait may share such a key: ranked_rivals says which keys are contested.)
-#}
{% macro duckdb__repeated_keys(feed) -%}
  {%- set all_in_last_load = run_query(
    "select count(*) from state.last_load where feed = '" ~ feed ~ "' and first_load_id <= all"
    ~ " (select load_id from state.current_loads where feed = '" ~ feed ~ "')"
  ).rows[0][0] == 1 -%}
  {%- if all_in_last_load -%}
  select _key_hash from state.repeated_{{ feed }}
  {%- else -%}
  select _key_hash from ({{ accepted_of(feed) }}) group by _key_hash having count(*) > 1
  {%- endif -%}
{%- endmacro %}

{#- The number that the batch now being written gets. Args: feed (string). -#}
{% macro next_batch(feed) -%}
  (select coalesce(max(batch_id), 0) + 1 from state.batches where feed = '{{ feed }}')
{%- endmacro %}

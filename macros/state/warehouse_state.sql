{#-
  What published files and trees of files are compared with: how far the warehouse is. It is asked for once:
  nothing changes it between the last node and forget_consumed.

  Returns: a mapping
    id       the warehouse's own id, hashed like personal data: what was written from another warehouse, or with another
             key, is written anew
    batches  feed (or other change log) -> number of its last change
    identities  the same -> identity of its last change
    known    the same -> a mapping, identity -> number, of the changes after which every row is logged: those since the
             entity was made anew, or the log was cut (forget_consumed). What reflects another is written whole: it is
             too old, or from a time that this warehouse does not know, because an older one was brought back
    columns  published model -> list of [column, SQLite type], without columns that begin with an underscore
-#}
{% macro warehouse_state() -%}
  {{ return(adapter.dispatch('warehouse_state')()) }}
{%- endmacro %}

{% macro default__warehouse_state() -%}
  {{ exceptions.raise_compiler_error('warehouse_state is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__warehouse_state() -%}
  {%- set state = {'id': asked_once('select ' ~ pii_hash('warehouse_id') ~ ' from state.warehouse')[0][0], 'batches': {}, 'identities': {}, 'known': {}, 'columns': {}} -%}
  {%- set batches -%}
    with rebuilt as (
      select
        feed,
        greatest(
          coalesce(max(batch_id) filter (where is_full), 0),
          coalesce((select max(batch_id) from state.forgotten where forgotten.feed = batches.feed), 0)
        ) as batch_id
      from state.batches as batches
      group by feed
    )

    select
      batches.feed,
      batches.batch_id,
      batches.identity
    from state.batches as batches
    inner join rebuilt on batches.feed = rebuilt.feed
    where batches.batch_id >= rebuilt.batch_id
    order by batches.feed, batches.batch_id
  {%- endset -%}
  {%- for feed, batch_id, identity in asked_once(batches) -%}
    {%- do state.batches.update({feed: batch_id}) -%}
    {%- do state.identities.update({feed: identity}) -%}
    {%- do state.known.setdefault(feed, {}).update({identity: batch_id}) -%}
  {%- endfor -%}
  {%- set columns -%}
    select table_name, column_name, data_type
    from duckdb_columns()
    where
      database_name = '{{ target.database }}' and schema_name = '{{ target.schema }}'
      and table_name like 'published\_%' escape '\' and column_name not like '\_%' escape '\'
    order by table_name, column_index
  {%- endset -%}
  {%- for table, column, data_type in asked_once(columns) -%}
    {%- do state.columns.setdefault(table, []).append([column, duckdb__sqlite_type(data_type)]) -%}
  {%- endfor -%}
  {{ return(state) }}
{%- endmacro %}

{#-
  The numbers of changes that a file or a tree of files notes by their identities.

  Args:
    identities (mapping): feed (or other change log) -> identity of the last change that the files reflect.
    warehouse (mapping): see warehouse_state.
  Returns: a mapping, the same -> number; none where the warehouse does not know the change, or not every row after it.
-#}
{% macro seen_batches(identities, warehouse) -%}
  {%- set seen = {} -%}
  {%- for log, identity in identities.items() -%}
    {%- do seen.update({log: warehouse.known.get(log, {}).get(identity)}) -%}
  {%- endfor -%}
  {{ return(seen) }}
{%- endmacro %}

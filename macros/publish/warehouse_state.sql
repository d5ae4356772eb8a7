{#-
  What published files and trees of files are compared with: how far the warehouse is. It is asked for once:
  nothing changes it between the last node and forget_consumed.

  Returns: a mapping
    id       the warehouse's own id, hashed like personal data: what was written from another warehouse, or with another
             key, is written anew
    batches  feed (or other change log) -> number of its last change
    rebuilt  the same -> number of the last change of which not every row is logged: the entity was made anew, or the
             log was cut (forget_consumed)
    columns  published model -> list of [column, SQLite type], without columns that begin with an underscore
-#}
{% macro warehouse_state() -%}
  {{ return(adapter.dispatch('warehouse_state')()) }}
{%- endmacro %}

{% macro default__warehouse_state() -%}
  {{ exceptions.raise_compiler_error('warehouse_state is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__warehouse_state() -%}
  {%- set state = {'id': asked_once('select ' ~ pii_hash('warehouse_id') ~ ' from state.warehouse')[0][0], 'batches': {}, 'rebuilt': {}, 'columns': {}} -%}
  {%- set numbers -%}
    select
      feed,
      max(batch_id) as last_batch,
      greatest(
        coalesce(max(batch_id) filter (where is_full), 0),
        coalesce((select max(batch_id) from state.forgotten where forgotten.feed = batches.feed), 0)
      ) as last_rebuilt
    from state.batches
    group by feed
  {%- endset -%}
  {%- for feed, last_batch, last_rebuilt in asked_once(numbers) -%}
    {%- do state.batches.update({feed: last_batch}) -%}
    {%- do state.rebuilt.update({feed: last_rebuilt}) -%}
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

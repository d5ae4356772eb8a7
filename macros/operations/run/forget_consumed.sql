{#-
  Keep the warehouse from growing: the last step of a build that published.

  Deleted are the staged records of loads that no longer count, and the logged changes that every model and every
  published file has taken in. state.forgotten remembers up to which batch, for a published file that comes back from
  a backup and reflects an earlier one. Of runs the newest 10,000 are kept: a watcher makes that many in hours, and each
  publication compares them all.

  Args:
    reflected (mapping): feed -> number of the last change that every published file reflects, 0: none.
-#}
{% macro forget_consumed(reflected) -%}
  {{ return(adapter.dispatch('forget_consumed')(reflected)) }}
{%- endmacro %}

{% macro default__forget_consumed(reflected) -%}
  {{ exceptions.raise_compiler_error('forget_consumed is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__forget_consumed(reflected) -%}
  {%- do run_statements('delete from state.runs where run_id not in (select run_id from state.runs order by started_at desc limit 10000)') -%}
  {%- set obsolete -%}
    select feed, count(*)
    from state.loads
    where
      load_id not in (select load_id from state.current_loads)
      and load_id not in (select load_id from state.applied)
      and not is_forgotten
    group by feed
  {%- endset -%}
  {%- for feed, _ in run_query(obsolete).rows %}
    {%- do run_statements(
      "delete from " ~ relation_of('stg_landing__' ~ feed)
      ~ " where _load_id in (select load_id from state.loads where feed = '" ~ feed ~ "'"
      ~ " and load_id not in (select load_id from state.current_loads) and load_id not in (select load_id from state.applied));"
      ~ "delete from state.record_lines where load_id in (select load_id from state.loads where feed = '" ~ feed ~ "'"
      ~ " and load_id not in (select load_id from state.current_loads) and load_id not in (select load_id from state.applied));"
      ~ "update state.loads set is_forgotten = true where feed = '" ~ feed ~ "'"
      ~ " and load_id not in (select load_id from state.current_loads) and load_id not in (select load_id from state.applied)"
    ) %}
  {%- endfor %}
  {%- set consumed -%}
    select feed, least(coalesce(min(consumed.batch_id), 2147483647), any_value(published.batch_id)) as batch_id
    from (
      {%- for feed in feeds() %}
      select '{{ feed }}' as feed, {{ reflected[feed] }} as batch_id
      {{ 'union all' if not loop.last }}
      {%- endfor %}
    ) as published
    left join state.consumed as consumed using (feed)
    group by feed
  {%- endset -%}
  {%- set obsolete_changes -%}
    select feed, any_value(consumed.batch_id)
    from ({{ consumed }}) as consumed
    join state.changed_loads as changed using (feed)
    where changed.batch_id <= consumed.batch_id
    group by feed
  {%- endset -%}
  {%- for feed, batch in run_query(obsolete_changes).rows %}
    {%- do run_statements(
      "delete from state.changed_" ~ feed ~ " where batch_id <= " ~ batch ~ ";"
      ~ "delete from state.changed_loads where feed = '" ~ feed ~ "' and batch_id <= " ~ batch ~ ";"
      ~ "delete from state.changed_references where feed = '" ~ feed ~ "' and batch_id <= " ~ batch ~ ";"
      ~ "delete from state.released_records where feed = '" ~ feed ~ "' and batch_id <= " ~ batch ~ ";"
      ~ "delete from state.forgotten where feed = '" ~ feed ~ "';"
      ~ "insert into state.forgotten values ('" ~ feed ~ "', " ~ batch ~ ")"
    ) %}
  {%- endfor %}
{%- endmacro %}

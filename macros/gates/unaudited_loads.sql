{#-
  The current loads whose records came, went or changed their verdict since the feed last passed all its tests.

  Args:
    feed (string): the feed.
    only_moved (boolean): leave out the loads that stayed, of which only some records changed their verdict with what
      they refer to; their rows that changed are in state.changed_<feed>.
  Returns: what stands between the parentheses of IN: a SQL query, or the load ids themselves where they are few, because
    DuckDB then reads only the row groups that hold them; empty: there are none.
-#}
{% macro unaudited_loads(feed, only_moved=false) -%}
  {%- set current -%} select load_id from state.current_loads where feed = '{{ feed }}' {%- endset -%}
  {%- if audit_extent(feed) != 'changes' -%}
    {{ return(current) }}
  {%- endif -%}
  {%- set changed -%}
    select load_id from state.changed_loads where feed = '{{ feed }}' and batch_id > {{ audited_batch(feed) }}{{ ' and is_moved' if only_moved }}
  {%- endset -%}
  {%- set load_ids = run_query(current ~ ' and load_id in (' ~ changed ~ ') order by load_id').columns[0].values() -%}
  {{ return(load_ids | join(', ')) }}
{%- endmacro %}

{#- Whether a load went since the feed last passed all its tests, as a query. -#}
{% macro unaudited_load_went(feed) -%}
  select exists (
    select 1 from state.changed_loads
    where
      feed = '{{ feed }}' and batch_id > {{ audited_batch(feed) }} and is_moved
      and load_id not in (select load_id from state.current_loads)
  )
{%- endmacro %}

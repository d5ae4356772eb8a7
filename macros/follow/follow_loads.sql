{#-
  Models that hold numbers of the records of each load. A load never changes: its records change their verdict only with
  what they refer to, which is left to who reads such a model, and one that lost records has a successor (see forget).
  So a build counts the loads that came, and forgets those that went.

  A model with the incremental strategy `follow_loads` has a column load_id, at least one row for each of the loads in
  loads_to_follow, and reads only their records.
-#}

{#- The current loads that the current model has yet to take in. Returns: a SQL query with the columns load_id and feed. -#}
{% macro loads_to_follow() -%}
  select load_id, feed from state.current_loads
  {%- if execute and is_incremental() %} where load_id not in (select load_id from {{ this }}){% endif %}
{%- endmacro %}

{#- Whether loads came or went since the current model was made, as a SQL query with a row if so. -#}
{% macro loads_moved() -%}
  select load_id from ({{ loads_to_follow() }})
  union all
  select load_id from {{ this }} where load_id not in (select load_id from state.current_loads)
{%- endmacro %}

{#-
  The loads of a feed in loads_to_follow.

  Args:
    feed (string): the feed.
  Returns: what stands between the parentheses of IN: a SQL query, or of a model that is not made anew the load ids
    themselves, because DuckDB then reads only the row groups that hold them; empty: there are none.
-#}
{% macro loads_to_follow_of(feed) -%}
  {%- if not execute or not is_incremental() -%}
    {{ return("select load_id from state.current_loads where feed = '" ~ feed ~ "'") }}
  {%- endif -%}
  {{ return(asked_once(loads_to_follow()) | selectattr(1, 'equalto', feed) | map(attribute=0) | join(', ')) }}
{%- endmacro %}

{#- Incremental strategy: rows of loads that went are deleted, those of loads that came are inserted. -#}
{% macro get_incremental_follow_loads_sql(args) -%}
  {%- set columns = args.dest_columns | map(attribute='quoted') | join(', ') -%}
  delete from {{ args.target_relation }} where load_id not in (select load_id from state.current_loads);
  insert into {{ args.target_relation }} ({{ columns }}) select {{ columns }} from {{ args.temp_relation }};
{%- endmacro %}

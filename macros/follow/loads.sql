{#-
  Rollups with per_load. A load never changes: its records change their verdict only with what they refer to, which is left
  to who reads such a model, and one that lost records has a successor (see forget). So a build counts the loads that came,
  and deletes those that went.

  The load ids themselves stand in the SQL, because DuckDB then reads only the row groups that hold them.

  Returns: SQL statements.
-#}
{% macro duckdb__follow_loads() -%}
  {%- set came = run_query('select load_id, feed from state.current_loads where load_id not in (select load_id from ' ~ this ~ ')').rows -%}
  delete from {{ this }} where load_id not in (select load_id from state.current_loads)
  {%- if came %};
  {%- set parts = {} -%}
  {%- for name in rollup_parents() if name.startswith('stg_landing__') -%}
    {%- set feed = name | replace('stg_landing__', '') -%}
    {%- set load_ids = came | selectattr(1, 'equalto', feed) | map(attribute=0) | join(', ') -%}
    {%- set relation = graph.nodes['model.' ~ project_name ~ '.' ~ name].relation_name -%}
    {%- do parts.update({name: '(select * from ' ~ relation ~ ' where ' ~ ('_load_id in (' ~ load_ids ~ ')' if load_ids else 'false') ~ ')'}) -%}
  {%- endfor %}
  insert into {{ this }} by name
  select * from (
    {{ reading_parts(parts) }}
  )
  where load_id in ({{ came | map(attribute=0) | join(', ') }})
  {%- endif %}
{%- endmacro %}

{#- Whether loads came or went since the current model was made, as a SQL query with a row if so. -#}
{% macro loads_moved() -%}
  select load_id from state.current_loads where load_id not in (select load_id from {{ this }})
  union all
  select load_id from {{ this }} where load_id not in (select load_id from state.current_loads)
{%- endmacro %}

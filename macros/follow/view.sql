{#-
  The materialization `view` for DuckDB: a view is made anew only when its SQL, or the columns of what it reads,
  changed since it was last made, or when a full refresh asks for it.

  dbt's own replaces every view on every run by a dozen statements (create, rename, rename, drop, and the comparison
  with the contract), most of the time of a build that has nothing new. Hooks run either way.

  The contract of a view is compared when the view is made: its columns depend on nothing else than what is looked at
  here.
-#}
{% materialization view, adapter='duckdb' %}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = this.incorporate(type='view') -%}
  {%- set fingerprint = duckdb__view_fingerprint() -%}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {%- if existing_relation is not none and existing_relation.is_view and not should_full_refresh() and is_built_from(fingerprint) %}
    {%- call noop_statement('main', 'UNCHANGED') -%}
      {{ compiled_code }}
    {%- endcall -%}
  {%- else %}
    {{ drop_relation_if_exists(existing_relation) }}
    {%- call statement('main') -%}
      {{ get_create_view_as_sql(target_relation, compiled_code) }}
    {%- endcall -%}
    {%- do run_statements(note_built(fingerprint)) -%}
  {%- endif %}

  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}

  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#-
  What a view is made from: its compiled SQL and the names and types of the columns of the models it reads.
  Returns: a SQL expression of type VARCHAR.
-#}
{% macro duckdb__view_fingerprint() -%}
  {%- set read = ["''"] -%}
  {%- for unique_id in model.depends_on.nodes if unique_id in graph.nodes -%}
    {%- do read.append("'" ~ graph.nodes[unique_id].alias ~ "'") -%}
  {%- endfor -%}
  '{{ local_md5(compiled_code) }}' || (
    select coalesce(md5(string_agg(table_name || column_name || data_type, ',' order by table_name, column_index)), '')
    from duckdb_columns()
    where database_name = '{{ this.database }}' and schema_name = '{{ this.schema }}' and table_name in ({{ read | join(', ') }})
  )
{%- endmacro %}

{#-
  The materialization `table` for DuckDB: the old table is dropped and the new one made in one transaction, which
  readers and a kill see as a whole.

  dbt-duckdb's own makes the new table aside and renames twice, a dozen statements for what DuckDB, whose DDL is
  transactional, does in one. These tables are small and made by every build.
-#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = this.incorporate(type='table') -%}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {%- call statement('main') -%}
    {%- if existing_relation is not none %}
    drop {{ existing_relation.type }} {{ existing_relation }};
    {%- endif %}
    {{ create_table_as(False, target_relation, compiled_code) }}
  {%- endcall -%}

  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}

  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#-
  The materialization `incremental` for DuckDB: dbt-duckdb's own, left out when the model has nothing to take in.

  A model that has nothing to take in costs dbt some twenty statements (a temporary table, both tables' columns, the
  strategy, hooks) to find out that nothing happens; what_to_take_in asks once. A model whose own file changed
  since it last ran is run, so that its on_schema_change is heard.
-#}
{% materialization incremental, adapter='duckdb', supported_languages=['sql'] %}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set fingerprint = "'" ~ model.checksum.checksum ~ "'" -%}
  {%- set found = {} -%}
  {%- if existing_relation is not none and existing_relation.is_table and not should_full_refresh() -%}
    {%- do found.update(what_to_take_in(fingerprint)) -%}
  {%- endif -%}
  {%- if found.is_built and not found.is_waiting %}
    {%- call noop_statement('main', 'NOTHING NEW') -%}
      {{ compiled_code }}
    {%- endcall -%}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
  {%- endif %}
  {%- if existing_relation is not none and lacks_columns() -%}
    {%- do log(this.identifier ~ ' is made anew: its table lacks columns that its YAML declares.', info=true) -%}
  {%- endif -%}
  {%- set relations = dbt.materialization_incremental_duckdb() -%}
  {%- if not found.is_built -%}
    {%- do run_statements(note_built(fingerprint)) -%}
    {%- do adapter.commit() -%}
  {%- endif -%}
  {{ return(relations) }}
{% endmaterialization %}

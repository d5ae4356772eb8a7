{#-
  Whether the current model's table lacks a column that its YAML declares, because another version of the project made it.
  Tables downstream of staging are then made anew, from records that are all there.

  Returns: a boolean. Call it from the model's materialization.
-#}
{% macro lacks_columns() -%}
  {{ return(adapter.dispatch('lacks_columns')()) }}
{%- endmacro %}

{% macro default__lacks_columns() -%}
  {{ exceptions.raise_compiler_error('lacks_columns is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__lacks_columns() -%}
  {%- set columns = "select table_name, column_name from duckdb_columns() where schema_name = '" ~ this.schema ~ "'" -%}
  {%- set present = [] -%}
  {%- for table, column in asked_once(columns, true) if table == model.alias -%}
    {%- do present.append(column | lower) -%}
  {%- endfor -%}
  {{ return(present | length > 0 and model.columns.keys() | map('lower') | reject('in', present) | list | length > 0) }}
{%- endmacro %}

{#-
  Whether the current model's table stands, so that a build changes it by difference: it was made, has the columns that its
  YAML declares, and no full refresh is asked for. dbt's is_incremental says so of the materialization `incremental` only.

  Returns: a boolean; false where nothing is run.
-#}
{% macro is_kept() -%}
  {%- if not execute -%}{{ return(false) }}{%- endif -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- if existing is none or not existing.is_table or should_full_refresh() -%}{{ return(false) }}{%- endif -%}
  {{ return(not lacks_columns()) }}
{%- endmacro %}

{#-
  Make the current model's table, in the open transaction: all rows of its query, with its contract compared.

  Returns: the relation.
-#}
{% macro make_table_anew() -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- set made = this.incorporate(type='table') -%}
  {%- if existing is not none and existing.is_table and lacks_columns() -%}
    {%- do log(this.identifier ~ ' is made anew: its table lacks columns that its YAML declares.', info=true) -%}
  {%- endif -%}
  {%- call statement('main') -%}
    {%- if existing is not none %}
    drop {{ existing.type }} {{ existing }};
    {%- endif %}
    {{ create_table_as(False, made, compiled_code) }}
  {%- endcall -%}
  {{ return(made) }}
{%- endmacro %}

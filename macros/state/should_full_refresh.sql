{#-
  Whether the current model is made anew: dbt's own answer (the flag, or the model's config), or lacks_columns.

  Returns: a boolean.
-#}
{% macro should_full_refresh() -%}
  {%- set configured = config.get('full_refresh') -%}
  {{ return((flags.FULL_REFRESH if configured is none else configured) or lacks_columns()) }}
{%- endmacro %}

{#-
  Whether the current model's table lacks a column that its YAML declares, because another version of the project made it.
  An incremental model downstream of staging is then made anew, from records that are all there. Staged records are
  not: their files may be gone, so a staging model gets a new column by its on_schema_change.

  Returns: a boolean.
-#}
{% macro lacks_columns() -%}
  {{ return(adapter.dispatch('lacks_columns')()) }}
{%- endmacro %}

{% macro default__lacks_columns() -%}
  {{ exceptions.raise_compiler_error('lacks_columns is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__lacks_columns() -%}
  {%- if not execute or model.config.materialized != 'incremental' or model.config.incremental_strategy == 'append' -%}
    {{ return(false) }}
  {%- endif -%}
  {%- set columns = "select table_name, column_name from duckdb_columns() where schema_name = '" ~ this.schema ~ "'" -%}
  {%- set present = [] -%}
  {%- for table, column in asked_once(columns, true) if table == model.alias -%}
    {%- do present.append(column | lower) -%}
  {%- endfor -%}
  {{ return(present | length > 0 and model.columns.keys() | map('lower') | reject('in', present) | list | length > 0) }}
{%- endmacro %}

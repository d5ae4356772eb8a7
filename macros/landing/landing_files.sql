{#-
  What stands in the landing zone now.

  Returns: a SQL query with the columns path, file, size_bytes, modified_ns and error, see scripts/sluice/landing/listing.py.
-#}
{% macro landing_files() -%}
  {{ return(adapter.dispatch('landing_files')()) }}
{%- endmacro %}

{% macro default__landing_files() -%}
  {{ exceptions.raise_compiler_error('landing_files is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{#- As JSON: DuckDB takes twice as long to make structs of Python's dictionaries. -#}
{% macro duckdb__landing_files() -%}
  select unnest(from_json(
    sluice_landing_files(),
    '[{"path": "VARCHAR", "file": "VARCHAR", "size_bytes": "BIGINT", "modified_ns": "BIGINT", "error": "VARCHAR"}]'
  ), recursive := true)
{%- endmacro %}

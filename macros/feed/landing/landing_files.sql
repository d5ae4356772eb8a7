{#-
  What is below the landing folder now, looked at once in a build.

  Args:
    feed (string): this feed's files only; none: all, also what belongs to no feed.
  Returns: a SQL query with the columns file, feed, ingest_date, path, size_bytes, modified_ns, changed_ns, inode, and
    error: why the file cannot be a landing file (scripts/sluice/landing/paths.py).
-#}
{% macro landing_files(feed=none) -%}
  {{ return(adapter.dispatch('landing_files')(feed)) }}
{%- endmacro %}

{% macro default__landing_files(feed) -%}
  {{ exceptions.raise_compiler_error('landing_files is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{#- As JSON: DuckDB takes twice as long to make structs of Python's dictionaries. -#}
{% macro duckdb__landing_files(feed) -%}
  select unnest(from_json(
    sluice_landing_files({{ "''" if feed is none else duckdb__text_literal(feed) }}, ['{{ feeds() | join("', '") }}']),
    '[{"file": "VARCHAR", "feed": "VARCHAR", "ingest_date": "DATE", "path": "VARCHAR", "size_bytes": "BIGINT",
      "modified_ns": "BIGINT", "changed_ns": "BIGINT", "inode": "BIGINT", "error": "VARCHAR"}]'
  ), recursive := true)
{%- endmacro %}

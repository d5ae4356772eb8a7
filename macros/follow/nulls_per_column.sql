{#-
  How many rows of an entity have no value, per ingest date and column.

  Args:
    feed (string): the feed.
    rows (Relation): the entity.
  Returns: a SQL query with the columns feed, ingest_date, column_name, null_count; columns with a value in every row
    are left out.
-#}
{% macro nulls_per_column(feed, rows) -%}
  {{ return(adapter.dispatch('nulls_per_column')(feed, rows)) }}
{%- endmacro %}

{% macro default__nulls_per_column(feed, rows) -%}
  {{ exceptions.raise_compiler_error('nulls_per_column is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__nulls_per_column(feed, rows) -%}
  select '{{ feed }}' as feed, ingest_date, column_name, cast(null_count as bigint) as null_count
  from (
    unpivot (
      select
        ingest_date,
        {%- for column in entity(feed).columns %}
        count(*) filter (where {{ column }} is null) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
      from {{ rows }}
      group by ingest_date
    )
    on columns(* exclude (ingest_date))
    into name column_name value null_count
  )
  where null_count != 0
{%- endmacro %}

{#-
  What a staging model reads: the records of the files that are new to this build (the materialization `records` made the
  view); for `dbt show` and `dbt compile` those of the feed's newest files; and in a unit test the rows given for the source,
  which may leave out every column that begins with an underscore.

  Columns: every column of the feed as raw text, and
    _load_id      the load, a version of a file
    _extra        JSON object of the columns that the feed does not know
    _fault        why the record could not be taken apart, or null
    _raw_text     its raw text then
    _line         the line of the file it begins in, where that is known already
    _date_order   how its file writes day and month: auto, dmy, mdy, ymd or mixed (see value_forms)
    _decimal      which sign its file writes before decimals: auto, point, comma or mixed
    _is_tied      its md5 is needed to settle a tie

  Args:
    landing (Relation): the source of the feed; naming it here is what draws the lineage.
  Returns: a table expression.
-#}
{% macro landing_records(landing) -%}
  {%- if not landing.is_cte -%}
    {%- if execute and flags.WHICH in ('show', 'compile') -%}
      {{ return('(' ~ newest_landing_records(landing.identifier) ~ ')') }}
    {%- endif -%}
    {{ return('landing_records') }}
  {%- endif -%}
  (
    select * from {{ landing }}
    union all by name
    select
      cast(null as json) as _extra,
      cast(null as varchar) as _fault,
      cast(null as varchar) as _raw_text,
      cast(null as bigint) as _line,
      cast(null as varchar) as _date_order,
      cast(null as varchar) as _decimal,
      false as _is_tied
    where false
  )
{%- endmacro %}

{#-
  The records of a feed's newest files, for people who try their rules on them.

  Args:
    feed (string): the feed.
    file_count (integer): how many files.
  Returns: a SQL query with the columns of landing_records.
-#}
{% macro newest_landing_records(feed, file_count=3) -%}
  {%- set newest -%}
    create or replace temp table landing_batch as
    with newest as (
      select row_number() over (order by modified_ns desc, file) as load_id, file, path
      from ({{ landing_files(feed) }})
      where error is null
      order by modified_ns desc, file
      limit {{ file_count }}
    )

    select
      unnest(list(load_id order by load_id)) as load_id,
      unnest(sluice_inspect(
        list(path order by load_id), list(cast(null as varchar) order by load_id), {{ duckdb__text_literal(landing_feed(feed)) }}
      ), recursive := true),
      '{{ source_option(feed, 'date_order') }}' as date_order,
      '{{ source_option(feed, 'decimal') }}' as decimal
    from newest
    having count(*) > 0;
  {%- endset -%}
  {%- do run_statements(newest ~ duckdb__landing_parts_sql()) -%}
  {{ return(duckdb__landing_records_sql(feed)) }}
{%- endmacro %}

{#-
  Pre-hook of a staging model: decide which files its build reads, look at each, and offer their records as the
  temporary view `landing_records` of this connection. Nothing is written to the warehouse.

  Args:
    feed (string): the feed, which is the name of its table in the source `landing`.

  Leaves behind, for the model and for `record_loads` (its post-hook):
    landing_batch    (temp table) one row per file version to read: load_id, file, path, ingest_date, size_bytes,
                     modified_ns, and what the inspection found (error, header, records_read, read_path …).
    landing_records  (temp view)  one row per record of those files: every column of the feed as raw text, plus
                     _load_id, _extra (JSON object of unknown columns), _fault and _raw_text (structural faults),
                     _is_tied (false; see settle_ties).
-#}
{% macro open_landing(feed) -%}
  {{ return(adapter.dispatch('open_landing')(feed)) }}
{%- endmacro %}

{% macro default__open_landing(feed) -%}
  {{ exceptions.raise_compiler_error('open_landing is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__open_landing(feed) -%}
  {%- if execute and flags.WHICH in ('build', 'run') %}
    {%- set known = landing_columns(feed) %}
    {%- set names = known.values() | sum(start=[]) %}
    {%- do run_statements(duckdb__create_landing_batch(feed, names)) %}
    {%- do run_statements('create or replace temp view landing_records as ' ~ without_forgotten(feed, duckdb__landing_records_sql(known))) %}
  {%- endif %}
{%- endmacro %}

{#-
  Inspect the pending files of a feed, each with a load id of its own, in byte order of their names; an archived version
  of a file comes before the one that stands in landing. Archived files are restored to the work folder first.
-#}
{% macro duckdb__create_landing_batch(feed, names) -%}
  create or replace temp table landing_batch as
  with pending as (
    {{ pending_files(feed) | indent(4) }}
  ),

  numbered as (
    select *, nextval('state.load_ids') as load_id from (select * from pending order by file, is_archived desc)
  ),

  looked_at as (
    select
      unnest(list(load_id order by load_id)) as load_id,
      unnest(sluice_inspect(sluice_restore(list(path order by load_id), list(file order by load_id), list(is_archived order by load_id)), [{% for name in names %}'{{ name | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}])) as found
    from numbered
    having count(*) > 0
  )

  select
    numbered.load_id,
    numbered.file,
    numbered.path,
    numbered.ingest_date,
    case when numbered.is_archived then numbered.size_bytes else looked_at.found.size_bytes end as size_bytes,
    case when numbered.is_archived then numbered.modified_ns else looked_at.found.modified_ns end as modified_ns,
    looked_at.found.error,
    looked_at.found.retry,
    looked_at.found.delimiter,
    looked_at.found.header,
    looked_at.found.newline,
    looked_at.found.has_header,
    looked_at.found.quoted_newlines,
    looked_at.found.read_path,
    looked_at.found.records_read,
    looked_at.found.faults_path,
    looked_at.found.fault_count
  from numbered
  join looked_at on numbered.load_id = looked_at.load_id
{%- endmacro %}

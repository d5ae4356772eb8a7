{#-
  After publishing: bring reports/ up to date. A date's validation report is written when something of its records
  changed since the reports' own state (reports/.sluice.json), or it is not as that notes it; its alerts when they differ
  from what the file says.

  A report tells of all feeds of a date, so nothing is written while one of them is held back: the previous state stays.

  Args:
    results (list of RunResult): the results of the run.
    feeds (list): the feeds that were published in full (published_feeds).
-#}
{% macro write_reports(results, feeds) -%}
  {{ return(adapter.dispatch('write_reports')(results, feeds)) }}
{%- endmacro %}

{% macro default__write_reports(results, feeds) -%}
  {{ exceptions.raise_compiler_error('write_reports is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__write_reports(results, feeds) -%}
  {%- set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.name') | list -%}
  {%- set files = files_behind('reports', var('feeds')) -%}
  {%- set unfinished = files.behind.keys() | reject('in', feeds) | list -%}
  {%- if 'alerts' in built and 'daily_metrics' in built and not unfinished -%}
    {%- do run_statements(duckdb__report_dates_sql(files.behind)) -%}
    {%- do run_query(
      "select sluice_write_report(cast(ingest_date as varchar), 'validation_report', report) from (" ~ duckdb__validation_report_sql(results) ~ ")"
    ) -%}
    {%- do run_query("select sluice_write_report(cast(ingest_date as varchar), 'alerts', report) from (" ~ duckdb__alert_report_sql() ~ ")") -%}
    {%- do run_query('select sluice_keep_reports(coalesce(list(cast(ingest_date as varchar)), [])) from report_dates') -%}
    {%- do note_files('reports', files) -%}
  {%- endif -%}
{%- endmacro %}

{#- The temporary table report_dates: every date that has reports, and whether its validation report is to be written. -#}
{% macro duckdb__report_dates_sql(behind) -%}
  create or replace temp table report_dates as
  with dates as (
    select ingest_date from {{ relation_of('daily_metrics') }}
    union
    select ingest_date from {{ relation_of('alerts') }}
  ),

  changed as (
    {%- for feed, since in behind.items() %}
    {%- if since is none %}
    select distinct ingest_date from {{ relation_of('daily_metrics') }} where feed = '{{ feed }}'
    {%- else %}
    select ingest_date from state.changed_{{ feed }} where batch_id > {{ since }}
    union
    select loads.ingest_date
    from state.changed_loads as changed_loads
    inner join state.loads as loads on changed_loads.load_id = loads.load_id
    where changed_loads.feed = '{{ feed }}' and changed_loads.batch_id > {{ since }}
    {%- endif %}
    union
    {%- endfor %}
    select cast(null as date) as ingest_date where false
  ),

  reported as materialized (
    select unnest(sluice_report_dates()) as ingest_date
  )

  select
    ingest_date,
    ingest_date in (select ingest_date from changed)
    or cast(ingest_date as varchar) not in (select ingest_date from reported) as is_changed
  from dates
{%- endmacro %}

{#- The validation reports to write, as JSON. Returns: a SQL query with the columns ingest_date, report. -#}
{% macro duckdb__validation_report_sql(results) -%}
  {%- set tests = tests_of_run(results) -%}
  with measures as (
    select * from {{ relation_of('validation_measures') }} where ingest_date in (select ingest_date from report_dates where is_changed)
  ),

  tests as (
    {%- for feed, counts in tests.items() %}
    select '{{ feed }}' as feed, {{ counts.run }} as run_count, {{ counts.failed }} as failed_count
    {{ 'union all' if not loop.last }}
    {%- endfor %}
  ),

  reported as (
    select
      measures.ingest_date,
      measures.feed,
      {
        {%- for measure in ('records_read', 'clean', 'duplicates', 'quarantined', 'repaired') %}
        '{{ measure }}': cast(max(value) filter (where measure = '{{ measure }}') as bigint),
        {%- endfor %}
        {%- for measure in ('quarantined_by_reason', 'repaired_by_column') %}
        '{{ measure }}': coalesce(
          map_from_entries(list((item, cast(value as bigint)) order by item) filter (where measure = '{{ measure }}')), map {}
        ),
        {%- endfor %}
        'null_rates': map_from_entries(list((item, value) order by item) filter (where measure = 'null_rates')),
        'tests': {'run': any_value(tests.run_count), 'failed': any_value(tests.failed_count)}
      } as body
    from measures
    inner join tests on measures.feed = tests.feed
    group by measures.ingest_date, measures.feed
  ),

  per_date as (
    select ingest_date, map_from_entries(list((feed, body) order by feed)) as feeds
    from reported
    group by ingest_date
  )

  select
    report_dates.ingest_date,
    cast(to_json({
      'ingest_date': cast(report_dates.ingest_date as varchar),
      'feeds': coalesce(per_date.feeds, map {}),
      'tests': {'run': {{ tests.values() | sum(attribute='run') }}, 'failed': {{ tests.values() | sum(attribute='failed') }}}
    }) as varchar) as report
  from report_dates
  left join per_date on report_dates.ingest_date = per_date.ingest_date
  where report_dates.is_changed
{%- endmacro %}

{#- The alerts of every date, as JSON. Returns: a SQL query with the columns ingest_date, report. -#}
{% macro duckdb__alert_report_sql() -%}
  with alerts as (
    select
      ingest_date,
      list(
        {'alert': alert, 'feed': feed, 'severity': severity, 'observed': observed, 'threshold': threshold, 'message': message, 'file': file}
        order by alert, feed, file
      ) as alerts
    from {{ relation_of('alerts') }}
    group by ingest_date
  )

  select
    report_dates.ingest_date,
    cast(to_json({'ingest_date': cast(report_dates.ingest_date as varchar), 'alerts': coalesce(alerts.alerts, [])}) as varchar) as report
  from report_dates
  left join alerts on report_dates.ingest_date = alerts.ingest_date
{%- endmacro %}

{#-
  The data tests of a run, counted under the feed they belong to (meta feed), or under `every feed`.

  Args:
    results (list of RunResult): the results of the run.
  Returns: a mapping, feed -> {run, failed}; every feed has an entry. A test that warns counts as failed.
-#}
{% macro tests_of_run(results) -%}
  {%- set counts = {'every feed': {'run': 0, 'failed': 0}} -%}
  {%- for feed in feeds() -%}{%- do counts.update({feed: {'run': 0, 'failed': 0}}) -%}{%- endfor -%}
  {%- for result in results if result.node.resource_type == 'test' and result.status in ('pass', 'fail', 'warn', 'error') -%}
    {%- set count = counts[result.node.config.meta.get('feed', 'every feed')] -%}
    {%- do count.update({'run': count.run + 1, 'failed': count.failed + (1 if result.status != 'pass' else 0)}) -%}
  {%- endfor -%}
  {{ return(counts) }}
{%- endmacro %}

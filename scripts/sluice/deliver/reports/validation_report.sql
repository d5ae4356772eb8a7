-- The validation reports to write: date and report as JSON. $tests: JSON, a list of {feed, run, failed}.
with measures as (
  select validation_measures.*
  from validation_measures
  where validation_measures.ingest_date in (select report_dates.ingest_date from report_dates where report_dates.is_changed)
),

tests as (
  select unnest(from_json($tests, '[{"feed": "VARCHAR", "run": "INTEGER", "failed": "INTEGER"}]'), recursive := true)
),

reported as (
  select
    measures.ingest_date,
    measures.feed,
    {
      'records_read': cast(max(value) filter (where measure = 'records_read') as bigint),
      'clean': cast(max(value) filter (where measure = 'clean') as bigint),
      'duplicates': cast(max(value) filter (where measure = 'duplicates') as bigint),
      'quarantined': cast(max(value) filter (where measure = 'quarantined') as bigint),
      'repaired': cast(max(value) filter (where measure = 'repaired') as bigint),
      'quarantined_by_reason': coalesce(
        map_from_entries(list((item, cast(value as bigint)) order by item) filter (where measure = 'quarantined_by_reason')), map {}
      ),
      'repaired_by_column': coalesce(
        map_from_entries(list((item, cast(value as bigint)) order by item) filter (where measure = 'repaired_by_column')), map {}
      ),
      'null_rates': map_from_entries(list((item, value) order by item) filter (where measure = 'null_rates')),
      'tests': {'run': any_value(tests.run), 'failed': any_value(tests.failed)}
    } as body
  from measures
  inner join tests on measures.feed = tests.feed
  group by measures.ingest_date, measures.feed
),

per_date as (
  select
    ingest_date,
    map_from_entries(list((feed, body) order by feed)) as feeds
  from reported
  group by ingest_date
),

tests_of_all as (
  select
    cast(sum(run) as integer) as run,
    cast(sum(failed) as integer) as failed
  from tests
)

select
  cast(report_dates.ingest_date as varchar) as ingest_date,
  cast(to_json({
    'ingest_date': cast(report_dates.ingest_date as varchar),
    'feeds': coalesce(per_date.feeds, map {}),
    'tests': {'run': tests_of_all.run, 'failed': tests_of_all.failed}
  }) as varchar) as report
from report_dates
cross join tests_of_all
left join per_date on report_dates.ingest_date = per_date.ingest_date
where report_dates.is_changed

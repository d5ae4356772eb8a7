-- The validation reports to write: date and report as JSON. $tests: JSON, a list of {feed, run, failed}.
with dates as (
  select ingest_date
  from report_dates
  where is_changed
),

tests as (
  select unnest(from_json($tests, '[{"feed": "VARCHAR", "run": "INTEGER", "failed": "INTEGER"}]'), recursive := true)
),

tests_of_all as (
  select
    cast(sum(run) as integer) as run,
    cast(sum(failed) as integer) as failed
  from tests
),

measured as (
  select
    ingest_date,
    feed,
    cast(max(value) filter (where measure = 'records_read') as bigint) as records_read,
    cast(max(value) filter (where measure = 'clean') as bigint) as clean,
    cast(max(value) filter (where measure = 'duplicates') as bigint) as duplicates,
    cast(max(value) filter (where measure = 'quarantined') as bigint) as quarantined,
    cast(max(value) filter (where measure = 'repaired') as bigint) as repaired,
    map_from_entries(list((item, cast(value as bigint)) order by item) filter (where measure = 'quarantined_by_reason')) as by_reason,
    map_from_entries(list((item, cast(value as bigint)) order by item) filter (where measure = 'repaired_by_column')) as by_column,
    map_from_entries(list((item, value) order by item) filter (where measure = 'null_rates')) as null_rates
  from validation_measures
  where ingest_date in (select dates.ingest_date from dates)
  group by ingest_date, feed
),

reported as (
  select
    measured.ingest_date,
    measured.feed,
    struct_pack(
      records_read := measured.records_read,
      clean := measured.clean,
      duplicates := measured.duplicates,
      quarantined := measured.quarantined,
      repaired := measured.repaired,
      quarantined_by_reason := coalesce(measured.by_reason, map()),
      repaired_by_column := coalesce(measured.by_column, map()),
      null_rates := measured.null_rates,
      tests := struct_pack(run := tests.run, failed := tests.failed)
    ) as body
  from measured
  inner join tests on measured.feed = tests.feed
),

per_date as (
  select
    ingest_date,
    map_from_entries(list((feed, body) order by feed)) as feeds
  from reported
  group by ingest_date
)

select
  cast(dates.ingest_date as varchar) as ingest_date,
  cast(to_json(struct_pack(
    ingest_date := cast(dates.ingest_date as varchar),
    feeds := coalesce(per_date.feeds, map()),
    tests := struct_pack(run := tests_of_all.run, failed := tests_of_all.failed)
  )) as varchar) as report
from dates
cross join tests_of_all
left join per_date on dates.ingest_date = per_date.ingest_date

-- Every date that has reports, and whether its validation report is to be written.
-- $changed: the dates of whose records something changed; $reported: those whose report is as the last run left it.
create or replace temp table report_dates as
with dates as (
  select ingest_date from daily_metrics
  union
  select ingest_date from alerts
)

select
  ingest_date,
  list_contains($changed, cast(ingest_date as varchar)) or not list_contains($reported, cast(ingest_date as varchar)) as is_changed
from dates

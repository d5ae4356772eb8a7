-- Sums that are kept by adding what changed agree, per feed and ingest date, with the ledger's clean records.
with clean as (
  select
    feed,
    ingest_date,
    clean_count
  from {{ ref('daily_metrics') }}
  where clean_count > 0
),

counted as (
  select
    'int_events_counted' as counted_by,
    feed,
    ingest_date,
    sum(event_count) as row_count
  from {{ ref('int_events_counted') }}
  group by feed, ingest_date
  union all
  select
    'daily_order_totals' as counted_by,
    'orders' as feed,
    ingest_date,
    sum(order_count) as row_count
  from {{ ref('daily_order_totals') }}
  group by ingest_date
),

counted_feeds as (
  select distinct
    counted_by,
    feed
  from counted
),

expected as (
  select
    counted_feeds.counted_by,
    clean.feed,
    clean.ingest_date,
    clean.clean_count
  from clean
  inner join counted_feeds on clean.feed = counted_feeds.feed
)

select
  coalesce(expected.counted_by, counted.counted_by) as counted_by,
  coalesce(expected.feed, counted.feed) as feed,
  coalesce(expected.ingest_date, counted.ingest_date) as ingest_date,
  coalesce(expected.counted_by, counted.counted_by) || ' counts ' || coalesce(counted.row_count, 0) || ' rows, the ledger '
  || coalesce(expected.clean_count, 0) as failure_reason
from expected
full join counted
  on expected.counted_by = counted.counted_by and expected.feed = counted.feed and expected.ingest_date = counted.ingest_date
where coalesce(expected.clean_count, 0) != coalesce(counted.row_count, 0)

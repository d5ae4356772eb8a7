{{ config(materialized='table') }}

with file_loads as (
  select * from {{ ref('file_loads') }}
),

durations as (
  select * from {{ ref('int_durations_ranked') }}
),

counted as (
  select
    ingest_date,
    feed,
    cast(sum(records_read) as bigint) as records_read,
    cast(sum(clean_count) as bigint) as clean_count,
    cast(sum(duplicate_count) as bigint) as duplicate_count,
    cast(sum(quarantined_count) as bigint) as quarantined_count,
    cast(sum(forgotten_count) as bigint) as forgotten_count,
    cast(sum(repaired_count) as bigint) as repaired_count
  from file_loads
  where records_read is not null
  group by ingest_date, feed
),

daily_metrics as (
  select
    counted.ingest_date,
    counted.feed,
    counted.records_read,
    counted.clean_count,
    counted.duplicate_count,
    counted.quarantined_count,
    counted.forgotten_count,
    counted.quarantined_count / nullif(counted.records_read, 0) as quarantine_rate,
    counted.repaired_count,
    durations.p50_duration_ms,
    durations.p95_duration_ms
  from counted
  left join durations on counted.ingest_date = durations.ingest_date and counted.feed = 'product_events'
)

select * from daily_metrics

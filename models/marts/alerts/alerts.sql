{{ config(materialized='table') }}

with found as (
  select * from {{ ref('missing_hours_alerts') }}
  union all
  select * from {{ ref('volume_drop_alerts') }}
  union all
  select * from {{ ref('quarantine_rate_alerts') }}
  union all
  select * from {{ ref('file_failed_alerts') }}
  union all
  select * from {{ ref('stale_feed_alerts') }}
  union all
  select * from {{ ref('stream_gap_alerts') }}
  union all
  select * from {{ ref('duplicate_rate_alerts') }}
  union all
  select * from {{ ref('future_events_alerts') }}
  union all
  select * from {{ ref('file_reading_alerts') }}
),

seen as (
  select
    ingest_date,
    alert,
    feed,
    file,
    first_seen_at
  from state.seen_alerts
),

alerts as (
  select
    found.ingest_date,
    found.alert,
    found.feed,
    found.severity,
    found.observed,
    found.threshold,
    found.message,
    coalesce(seen.first_seen_at, cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)) as first_seen_at,
    found.file
  from found
  left join seen
    on
      found.ingest_date = seen.ingest_date
      and found.alert = seen.alert
      and found.feed = seen.feed
      and coalesce(found.file, '') = coalesce(seen.file, '')
)

select * from alerts

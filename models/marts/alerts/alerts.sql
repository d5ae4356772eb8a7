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
),

alerts as (
  select
    ingest_date,
    alert,
    feed,
    severity,
    observed,
    threshold,
    message,
    file
  from found
)

select * from alerts

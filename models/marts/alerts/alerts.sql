{{ config(materialized='table') }}

with alerts as (
  select * from {{ ref('missing_hours_alerts') }}
  union all
  select * from {{ ref('volume_drop_alerts') }}
  union all
  select * from {{ ref('quarantine_rate_alerts') }}
  union all
  select * from {{ ref('file_failed_alerts') }}
  union all
  select * from {{ ref('stale_feed_alerts') }}
)

select * from alerts

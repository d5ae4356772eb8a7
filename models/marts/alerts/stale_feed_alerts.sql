{{ config(materialized='view') }}

with freshness as (
  select * from {{ ref('feed_freshness') }}
),

aged as (
  select *, {{ seconds_between('newest_event_at', as_of()) }} / 3600 as hours
  from freshness
),

stale_feed_alerts as (
  select
    newest_ingest_date as ingest_date,
    'stale_feed' as alert,
    feed,
    'warning' as severity,
    hours as observed,
    cast({{ var('max_stale_hours') }} as double) as threshold,
    'the newest event is of ' || {{ instant_text('newest_event_at') }} as message,
    cast(null as varchar) as file
  from aged
  where hours > {{ var('max_stale_hours') }}
)

select * from stale_feed_alerts

{{ config(materialized='view') }}

with counted as (
  select * from {{ ref('int_events_counted') }}
),

hourly_events as (
  select
    feed,
    event_date,
    hour,
    cast(sum(event_count) as bigint) as event_count
  from counted
  group by feed, event_date, hour
)

select * from hourly_events

{{ config(materialized='view', meta={'feed': 'tenant_events'}) }}

with days as (
  select * from {{ ref('tenant_metrics_per_day') }}
),

counted as (
  select
    tenant_id,
    cast(day as date) as event_date,
    cast(sum(event_count) as bigint) as event_count,
    cast(sum(payload_bytes) as bigint) as payload_bytes
  from days
  group by tenant_id, cast(day as date)
),

tenant_usage_daily as (
  select
    tenant_id,
    event_date,
    event_count,
    payload_bytes,
    event_count / sum(event_count) over (partition by event_date) as share_of_events
  from counted
)

select * from tenant_usage_daily

{{ config(
  materialized='rollup',
  meta={
    'feed': 'product_events',
    'group_by': {'ingest_date': 'ingest_date'},
  }
) }}

with events as (
  select
    ingest_date,
    duration_ms
  from {{ ref('product_events') }}
),

ranked as (
  select
    ingest_date,
    {{ percentiles('duration_ms', [0.5, 0.95]) }} as percentiles
  from events
  group by ingest_date
),

int_durations_ranked as (
  select
    ingest_date,
    {{ list_item('percentiles', 1) }} as p50_duration_ms,
    {{ list_item('percentiles', 2) }} as p95_duration_ms
  from ranked
)

select * from int_durations_ranked

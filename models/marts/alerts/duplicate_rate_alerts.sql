{{ config(materialized='view') }}

with metrics as (
  select * from {{ ref('daily_metrics') }}
),

rated as (
  select
    *,
    duplicate_count / nullif(records_read, 0) as duplicate_rate
  from metrics
),

duplicate_rate_alerts as (
  select
    ingest_date,
    'duplicate_rate' as alert,
    feed,
    'warning' as severity,
    duplicate_rate as observed,
    cast({{ var('max_duplicate_rate') }} as double) as threshold,
    duplicate_count || ' of ' || records_read || ' records have the key of another record that was preferred' as message,
    cast(null as varchar) as file
  from rated
  where duplicate_rate > cast({{ var('max_duplicate_rate') }} as double)
)

select * from duplicate_rate_alerts

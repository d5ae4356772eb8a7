{{ config(materialized='view') }}

with metrics as (
  select * from {{ ref('daily_metrics') }}
),

summary as (
  select * from {{ ref('quarantine_summary') }}
),

reasons as (
  select
    ingest_date,
    feed,
    {{ dbt.listagg("reject_reason || ' ' || record_count", "', '", 'order by record_count desc, reject_reason') }} as counts
  from summary
  group by ingest_date, feed
),

quarantine_rate_alerts as (
  select
    metrics.ingest_date,
    'quarantine_rate' as alert,
    metrics.feed,
    case when metrics.quarantine_rate > cast({{ var('critical_quarantine_rate') }} as double) then 'critical' else 'warning' end
      as severity,
    metrics.quarantine_rate as observed,
    cast({{ var('max_quarantine_rate') }} as double) as threshold,
    metrics.quarantined_count || ' of ' || metrics.records_read || ' records are quarantined: ' || reasons.counts as message,
    cast(null as varchar) as file
  from metrics
  inner join reasons on metrics.ingest_date = reasons.ingest_date and metrics.feed = reasons.feed
  where metrics.quarantine_rate > cast({{ var('max_quarantine_rate') }} as double)
)

select * from quarantine_rate_alerts

{{ config(
  materialized='rollup',
  meta={
    'feed': 'service_events',
    'group_by': {'service': 'service', 'day': "date_trunc('day', event_at)"},
    'reads': {'service_metrics_per_minute': {'service': 'service', 'day': "date_trunc('day', minute)"}},
  }
) }}

with metrics as (
  select
    service,
    minute,
    date_trunc('day', minute) as day,
    request_count,
    p95_latency_ms,
    error_rate
  from {{ ref('service_metrics_per_minute') }}
),

observed as (
  select
    service,
    day,
    minute,
    'request_count' as metric,
    cast(request_count as double) as value,
    sqrt(request_count) as noise
  from metrics
  union all
  select
    service,
    day,
    minute,
    'p95_latency_ms' as metric,
    p95_latency_ms as value,
    1.0 as noise
  from metrics
  where p95_latency_ms is not null
  union all
  select
    service,
    day,
    minute,
    'error_rate' as metric,
    error_rate as value,
    0.05 as noise
  from metrics
  where error_rate is not null
),

compared as (
  select
    service,
    day,
    minute,
    metric,
    value,
    noise,
    count(*) over before_it as earlier_count,
    {{ quartiles('value') }} over before_it as quartiles
  from observed
  window before_it as (partition by service, day, metric order by minute rows between 60 preceding and 1 preceding)
),

scored as (
  select
    service,
    day,
    minute,
    metric,
    value,
    {{ list_item('quartiles', 2) }} as expected,
    (value - {{ list_item('quartiles', 2) }})
    / greatest(({{ list_item('quartiles', 3) }} - {{ list_item('quartiles', 1) }}) / 1.349, noise) as score
  from compared
  where earlier_count >= 15
),

service_anomalies as (
  select
    service,
    minute,
    metric,
    value,
    expected,
    score,
    case when score > 0 then 'above' else 'below' end as direction,
    day
  from scored
  where abs(score) >= {{ var('anomaly_score') }}
)

select * from service_anomalies

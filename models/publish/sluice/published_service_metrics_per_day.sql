{{ config(
  meta={
    'feed': 'service_events',
    'published': {
      'database': 'sluice',
      'table': 'service_metrics_per_day',
      'key': ['service', 'day'],
      'changed_by': {'service': 'service', 'day': bucket_text("date_trunc('day', event_at)")},
      'indexes': [['day']],
      'sort_desc': 'day',
      'facets': ['service'],
    },
  }
) }}

with metrics as (
  select * from {{ ref('service_metrics_per_day') }}
),

published_service_metrics_per_day as (
  select
    service,
    {{ bucket_text('day') }} as day,
    request_count,
    latency_count,
    avg_latency_ms,
    p50_latency_ms,
    p95_latency_ms,
    p99_latency_ms,
    status_count,
    error_count,
    error_rate
  from metrics
)

select * from published_service_metrics_per_day

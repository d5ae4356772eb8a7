{{ config(
  meta={
    'feed': 'service_events',
    'published': {
      'database': 'sluice',
      'table': 'service_metrics_per_hour',
      'key': ['service', 'hour'],
      'changed_by': {'service': 'service', 'hour': bucket_text("date_trunc('hour', event_at)")},
      'indexes': [['hour']],
      'sort_desc': 'hour',
      'facets': ['service'],
    },
  }
) }}

with metrics as (
  select * from {{ ref('service_metrics_per_hour') }}
),

published_service_metrics_per_hour as (
  select
    service,
    {{ bucket_text('hour') }} as hour,
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

select * from published_service_metrics_per_hour

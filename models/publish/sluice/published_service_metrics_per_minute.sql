{{ config(
  meta={
    'feed': 'service_events',
    'published': {
      'database': 'sluice',
      'table': 'service_metrics_per_minute',
      'key': ['service', 'minute'],
      'changed_by': {'service': 'service', 'minute': bucket_text("date_trunc('minute', event_at)")},
      'indexes': [['minute']],
      'sort_desc': 'minute',
      'facets': ['service'],
    },
  }
) }}

with metrics as (
  select * from {{ ref('service_metrics_per_minute') }}
),

published_service_metrics_per_minute as (
  select
    service,
    {{ bucket_text('minute') }} as minute,
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

select * from published_service_metrics_per_minute

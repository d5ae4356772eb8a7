{{ config(
  meta={
    'feed': 'service_events',
    'published': {
      'database': 'sluice',
      'table': 'service_anomalies',
      'key': ['service', 'minute', 'metric'],
      'sort_desc': 'minute',
      'facets': ['service', 'metric', 'direction'],
    },
  }
) }}

with anomalies as (
  select * from {{ ref('service_anomalies') }}
),

published_service_anomalies as (
  select
    service,
    {{ bucket_text('minute') }} as minute,
    metric,
    value,
    expected,
    score,
    direction
  from anomalies
)

select * from published_service_anomalies

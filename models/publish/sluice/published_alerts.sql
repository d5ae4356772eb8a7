{{ config(
  meta={
    'published': {
      'database': 'sluice',
      'table': 'alerts',
      'indexes': [['ingest_date']],
      'sort_desc': 'ingest_date',
      'facets': ['alert', 'feed', 'severity'],
    },
  }
) }}

with alerts as (
  select * from {{ ref('alerts') }}
),

published_alerts as (
  select
    {{ date_text('ingest_date') }} as ingest_date,
    alert,
    feed,
    severity,
    observed,
    threshold,
    message,
    {{ instant_text('first_seen_at') }} as first_seen_at
  from alerts
)

select * from published_alerts

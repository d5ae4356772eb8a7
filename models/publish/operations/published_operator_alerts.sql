{{ config(
  meta={
    'published': {
      'database': 'operations',
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

published_operator_alerts as (
  select
    {{ date_text('ingest_date') }} as ingest_date,
    alert,
    feed,
    severity,
    observed,
    threshold,
    message,
    {{ instant_text('first_seen_at') }} as first_seen_at,
    file
  from alerts
)

select * from published_operator_alerts

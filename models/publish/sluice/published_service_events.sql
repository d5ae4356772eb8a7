{{ config(
  meta={
    'feed': 'service_events',
    'published': {
      'database': 'sluice',
      'table': 'service_events',
      'key': ['event_id'],
      'changed_by': {'event_id': 'event_id'},
      'by_key': true,
      'indexes': [['event_at']],
      'event_date': 'event_at',
      'sort_desc': 'event_at',
      'facets': ['service', 'event_type', 'status_code'],
    },
  }
) }}

with events as (
  select * from {{ ref('service_events') }}
),

published_service_events as (
  select
    event_id,
    service,
    event_type,
    {{ instant_text('event_at') }} as event_at,
    event_at_raw,
    latency_ms,
    status_code,
    {{ pii_hash('user_id') }} as user_key,
    {{ date_text('ingest_date') }} as ingest_date,
    _key_hash
  from events
)

select * from published_service_events

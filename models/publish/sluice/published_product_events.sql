{{ config(
  meta={
    'feed': 'product_events',
    'published': {
      'database': 'sluice',
      'table': 'product_events',
      'key': ['event_id'],
      'changed_by': {'event_id': 'event_id'},
      'by_key': true,
      'indexes': [['event_at']],
      'event_date': 'event_at',
      'sort_desc': 'event_at',
      'facets': ['event_type', 'platform'],
    },
  }
) }}

with events as (
  select * from {{ ref('product_events') }}
),

published_product_events as (
  select
    event_id,
    customer_id,
    event_type,
    {{ instant_text('event_at') }} as event_at,
    platform,
    session_id,
    duration_ms,
    {{ date_text('ingest_date') }} as ingest_date,
    _key_hash
  from events
)

select * from published_product_events

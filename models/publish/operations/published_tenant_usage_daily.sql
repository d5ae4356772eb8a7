{{ config(
  meta={
    'feed': 'tenant_events',
    'published': {
      'database': 'operations',
      'table': 'tenant_usage_daily',
      'key': ['tenant_id', 'event_date'],
      'changed_by': {'event_date': date_text('cast(event_at as date)')},
      'indexes': [['event_date']],
      'sort_desc': 'event_date',
      'facets': ['event_date'],
    },
  }
) }}

with usage as (
  select * from {{ ref('tenant_usage_daily') }}
),

published_tenant_usage_daily as (
  select
    tenant_id,
    {{ date_text('event_date') }} as event_date,
    event_count,
    payload_bytes,
    share_of_events
  from usage
)

select * from published_tenant_usage_daily

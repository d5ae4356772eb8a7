{{ config(
  meta={
    'feed': 'tenant_events',
    'published': {
      'database': 'tenants',
      'file_by': 'tenant_id',
      'names_files': true,
      'table': 'usage_daily',
      'key': ['event_date'],
      'changed_by': {'tenant_id': 'tenant_id', 'event_date': date_text('cast(event_at as date)')},
      'sort_desc': 'event_date',
    },
  }
) }}

with usage as (
  select * from {{ ref('tenant_usage_daily') }}
),

published_tenant_usage as (
  select
    tenant_id,
    {{ date_text('event_date') }} as event_date,
    event_count,
    payload_bytes
  from usage
)

select * from published_tenant_usage

{{ config(
  meta={
    'feed': 'tenant_events',
    'published': {
      'database': 'tenants',
      'file_by': 'tenant_id',
      'table': 'tags',
      'key': ['event_id', 'position'],
      'changed_by': {'tenant_id': 'tenant_id', 'event_id': 'event_id'},
      'by_key': true,
      'indexes': [['tag', 'event_at']],
      'event_date': 'event_at',
      'sort_desc': 'event_at',
      'facets': ['tag'],
    },
  }
) }}

with tags as (
  select * from {{ ref('tenant_tags') }}
),

published_tenant_tags as (
  select
    tenant_id,
    event_id,
    position,
    tag,
    {{ instant_text('event_at') }} as event_at,
    _key_hash
  from tags
)

select * from published_tenant_tags

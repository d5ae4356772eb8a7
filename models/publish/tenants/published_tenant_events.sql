{{ config(
  meta={
    'feed': 'tenant_events',
    'published': {
      'database': 'tenants',
      'file_by': 'tenant_id',
      'table': 'events',
      'key': ['event_id'],
      'changed_by': {'tenant_id': 'tenant_id', 'event_id': 'event_id'},
      'by_key': true,
      'indexes': [['event_at', 'event_id'], ['event_type', 'event_at'], ['source', 'event_at']],
      'event_date': 'event_at',
      'sort_desc': 'event_at',
      'facets': ['source', 'event_type'],
    },
  }
) }}

{%- set fields = payload_fields() %}

with payloads as (
  select * from {{ ref('tenant_payloads') }}
),

published_tenant_events as (
  select
    tenant_id,
    event_id,
    source,
    event_type,
    {{ instant_text('event_at') }} as event_at,
    schema_version,
    payload,
    {%- for field in fields %}
    {{ published_field(field) }} as {{ field.name }},
    {%- endfor %}
    _key_hash
  from payloads
)

select * from published_tenant_events

{{ config(materialized='view', meta={'feed': 'tenant_events', 'lake': {'table': 'clean/tenant_tags'}}) }}

with events as (
  select * from {{ ref('tenant_events') }}
),

tenant_tags as (
  {{ payload_items('tags', 'events', ['tenant_id', 'event_id', 'event_at', 'ingest_date', '_load_id', '_key_hash']) | indent(2) }}
)

select * from tenant_tags

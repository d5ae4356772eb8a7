{%- set entity = {
  'key': ['tenant_id', 'event_id'],
  'best': [
    ['_file', 'asc'],
    ['event_at', 'asc'],
  ],
  'columns': ['tenant_id', 'event_id', 'source', 'event_type', 'event_at', 'schema_version', 'payload'],
} %}
{{ config(materialized='entity', meta={'feed': 'tenant_events', 'declared_by': 'payload_declaration', 'entity': entity}) }}

with tenant_events as (
  {{ best_records(ref('stg_landing__tenant_events'), entity) | indent(2) }}
)

select * from tenant_events

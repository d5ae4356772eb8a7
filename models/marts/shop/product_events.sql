{%- set entity = {
  'key': ['event_id'],
  'best': [
    ['cast(event_type is not null as integer)', 'desc'],
    ['cast(platform is not null as integer)', 'desc'],
    ['cast(session_id is not null as integer)', 'desc'],
    ['cast(duration_ms is not null as integer)', 'desc'],
    ['event_at', 'desc'],
  ],
  'columns': ['event_id', 'customer_id', 'event_type', 'event_at', 'platform', 'session_id', 'duration_ms'],
  'reference': {'column': 'customer_id', 'entity': 'customers', 'reason': 'unknown_customer_id'},
} %}
{{ config(materialized='entity', meta={'feed': 'product_events', 'entity': entity}) }}

with product_events as (
  {{ best_records(ref('stg_landing__product_events'), entity, ref('customers')) | indent(2) }}
)

select * from product_events

{%- set entity = {
  'key': ['event_id'],
  'best': [
    ['cast(latency_ms is not null as integer) + cast(status_code is not null as integer) + cast(user_id is not null as integer)', 'desc'],
    ['event_at', 'desc'],
  ],
  'columns': ['event_id', 'service', 'event_type', 'event_at', 'event_at_raw', 'latency_ms', 'status_code', 'user_id'],
} %}
{{ config(materialized='entity', meta={'feed': 'service_events', 'entity': entity}) }}

with service_events as (
  {{ best_records(ref('stg_landing__service_events'), entity) | indent(2) }}
)

select * from service_events

{{ config(materialized='view') }}
-- depends_on: {{ ref('int_service_events_accepted') }}
-- depends_on: {{ ref('int_service_events_contested') }}

with service_events as (
  {{ entity_rows('service_events') | indent(2) }}
)

select * from service_events

{{ config(materialized='view') }}

with int_service_events_quarantined as (
  {{ rejected_records('service_events') | indent(2) }}
)

select * from int_service_events_quarantined

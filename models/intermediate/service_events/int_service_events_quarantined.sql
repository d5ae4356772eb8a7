{{ config(materialized='view') }}
-- depends_on: {{ ref('stg_landing__service_events') }}

with int_service_events_quarantined as (
  {{ quarantined_records('service_events') | indent(2) }}
)

select * from int_service_events_quarantined

{{ config(materialized='view') }}
-- depends_on: {{ ref('stg_landing__tenant_events') }}

with int_tenant_events_accepted as (
  {{ accepted_records('tenant_events') | indent(2) }}
)

select * from int_tenant_events_accepted

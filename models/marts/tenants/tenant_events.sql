{{ config(materialized='view') }}
-- depends_on: {{ ref('int_tenant_events_accepted') }}
-- depends_on: {{ ref('int_tenant_events_contested') }}

with tenant_events as (
  {{ entity_rows('tenant_events') | indent(2) }}
)

select * from tenant_events

{{ config(materialized='view') }}
-- depends_on: {{ ref('stg_landing__product_events') }}
-- depends_on: {{ ref('int_product_events_waiting') }}

with int_product_events_accepted as (
  {{ accepted_records('product_events') | indent(2) }}
)

select * from int_product_events_accepted

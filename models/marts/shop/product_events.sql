{{ config(materialized='view') }}
-- depends_on: {{ ref('int_product_events_accepted') }}
-- depends_on: {{ ref('int_product_events_contested') }}

with product_events as (
  {{ entity_rows('product_events') | indent(2) }}
)

select * from product_events

{{ config(materialized='view') }}
-- depends_on: {{ ref('int_orders_accepted') }}
-- depends_on: {{ ref('int_orders_contested') }}

with orders as (
  {{ entity_rows('orders') | indent(2) }}
)

select * from orders

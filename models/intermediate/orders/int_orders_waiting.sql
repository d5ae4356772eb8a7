{{ config(materialized='view') }}
-- depends_on: {{ ref('stg_landing__orders') }}
-- depends_on: {{ ref('customers') }}

with int_orders_waiting as (
  {{ waiting_records('orders') | indent(2) }}
)

select * from int_orders_waiting

{{ config(materialized='view') }}
-- depends_on: {{ ref('stg_landing__orders') }}
-- depends_on: {{ ref('int_orders_waiting') }}

with int_orders_quarantined as (
  {{ quarantined_records('orders') | indent(2) }}
)

select * from int_orders_quarantined

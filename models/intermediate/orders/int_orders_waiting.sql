{{ config(
  materialized='by_difference',
  incremental_strategy='replace_moved_records',
  post_hook="{{ note_judged('orders') }}",
  meta={'feed': 'orders'}
) }}
-- depends_on: {{ ref('stg_landing__orders') }}
-- depends_on: {{ ref('int_customers_accepted') }}
-- depends_on: {{ ref('int_customers_contested') }}

with int_orders_waiting as (
  {{ waiting_records('orders') | indent(2) }}
)

select * from int_orders_waiting

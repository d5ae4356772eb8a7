{{ config(
  materialized='by_difference',
  incremental_strategy='replace_touched',
  pre_hook="{{ open_changes('orders') }}",
  post_hook="{{ close_changes('orders') }}",
  meta={
    'feed': 'orders',
    'entity': {
      'key': ['order_id'],
      'best': [
        ['cast(currency is not null as integer)', 'desc'],
        ['ordered_at', 'desc'],
      ],
      'columns': ['order_id', 'customer_id', 'ordered_at', 'amount', 'currency', 'status'],
      'reference': {'column': 'customer_id', 'entity': 'customers', 'reason': 'unknown_customer_id'},
    },
  }
) }}
-- depends_on: {{ ref('stg_landing__orders') }}
-- depends_on: {{ ref('int_orders_accepted') }}
-- depends_on: {{ ref('int_orders_waiting') }}
-- depends_on: {{ ref('int_customers_accepted') }}
-- depends_on: {{ ref('int_customers_contested') }}

with int_orders_contested as (
  {{ ranked_rivals('orders') | indent(2) }}
)

select * from int_orders_contested

{{ config(
  materialized='incremental',
  incremental_strategy='replace_changed_records',
  on_schema_change='fail',
  post_hook="{{ note_consumed('orders') }}",
  meta={'feed': 'orders'}
) }}
-- depends_on: {{ ref('int_orders_contested') }}
-- depends_on: {{ ref('stg_landing__orders') }}
-- depends_on: {{ ref('customers') }}

with int_orders_waiting as (
  {{ waiting_records('orders') | indent(2) }}
)

select * from int_orders_waiting

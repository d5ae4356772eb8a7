{{ config(
  materialized='by_difference',
  incremental_strategy='replace_moved_records',
  post_hook="{{ note_judged('product_events') }}",
  meta={'feed': 'product_events'}
) }}
-- depends_on: {{ ref('stg_landing__product_events') }}
-- depends_on: {{ ref('int_customers_accepted') }}
-- depends_on: {{ ref('int_customers_contested') }}

with int_product_events_waiting as (
  {{ waiting_records('product_events') | indent(2) }}
)

select * from int_product_events_waiting

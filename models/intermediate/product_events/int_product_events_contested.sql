{{ config(
  materialized='by_difference',
  incremental_strategy='replace_touched',
  pre_hook="{{ open_changes('product_events') }}",
  post_hook="{{ close_changes('product_events') }}",
  meta={
    'feed': 'product_events',
    'entity': {
      'key': ['event_id'],
      'best': [
        ['cast(event_type is not null as integer)', 'desc'],
        ['cast(platform is not null as integer)', 'desc'],
        ['cast(session_id is not null as integer)', 'desc'],
        ['cast(duration_ms is not null as integer)', 'desc'],
        ['event_at', 'desc'],
      ],
      'columns': ['event_id', 'customer_id', 'event_type', 'event_at', 'platform', 'session_id', 'duration_ms'],
      'reference': {'column': 'customer_id', 'entity': 'customers', 'reason': 'unknown_customer_id'},
    },
  }
) }}
-- depends_on: {{ ref('stg_landing__product_events') }}
-- depends_on: {{ ref('int_product_events_accepted') }}
-- depends_on: {{ ref('int_product_events_waiting') }}
-- depends_on: {{ ref('int_customers_accepted') }}
-- depends_on: {{ ref('int_customers_contested') }}

with int_product_events_contested as (
  {{ ranked_rivals('product_events') | indent(2) }}
)

select * from int_product_events_contested

{{ config(
  materialized='by_difference',
  incremental_strategy='replace_touched',
  pre_hook="{{ open_changes('customers') }}",
  post_hook="{{ close_changes('customers') }}",
  meta={
    'feed': 'customers',
    'entity': {
      'key': ['customer_id'],
      'best': [
        ['cast(email is not null as integer)', 'desc'],
        ['cast(created_at is not null as integer)', 'desc'],
        ['created_at', 'desc'],
      ],
      'columns': ['customer_id', 'email', 'country', 'created_at'],
    },
  }
) }}
-- depends_on: {{ ref('stg_landing__customers') }}
-- depends_on: {{ ref('int_customers_accepted') }}

with int_customers_contested as (
  {{ ranked_rivals('customers') | indent(2) }}
)

select * from int_customers_contested

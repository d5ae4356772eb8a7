{{ config(
  materialized='by_difference',
  incremental_strategy='replace_touched',
  pre_hook="{{ open_changes('transactions') }}",
  post_hook="{{ close_changes('transactions') }}",
  meta={
    'feed': 'transactions',
    'entity': {
      'key': ['id'],
      'best': [
        ['cast(description is not null as integer) + cast(merchant is not null as integer) + cast(operation_type is not null as integer)', 'desc'],
        ['transacted_at', 'desc'],
      ],
      'columns': ['id', 'description', 'amount', 'transacted_at', 'merchant', 'operation_type', 'side'],
    },
  }
) }}
-- depends_on: {{ ref('stg_landing__transactions') }}
-- depends_on: {{ ref('int_transactions_accepted') }}

with int_transactions_contested as (
  {{ ranked_rivals('transactions') | indent(2) }}
)

select * from int_transactions_contested

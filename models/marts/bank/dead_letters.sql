{{ config(materialized='view', meta={'feed': 'transactions'}) }}

with transactions as (
  select * from {{ ref('int_transactions_classified') }}
),

dead_letters as (
  select
    id,
    attempt_count as attempts,
    last_error,
    asked_at as last_asked_at,
    transacted_at,
    amount,
    side,
    merchant,
    description
  from transactions
  where category_status = 'dead_letter'
)

select * from dead_letters

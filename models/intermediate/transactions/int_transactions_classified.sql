{{ config(
  materialized='view',
  pre_hook={'sql': "{{ ask_for_categories() }}", 'transaction': false},
  post_hook="{{ offer_category_changes() }}",
  meta={'feed': 'transactions'}
) }}

with transactions as (
  select * from {{ ref('transactions') }}
),

answers as (
  select * from state.transaction_categories
),

int_transactions_classified as (
  select
    transactions.id,
    transactions.description,
    transactions.amount,
    transactions.transacted_at,
    transactions.merchant,
    transactions.operation_type,
    transactions.side,
    transactions.ingest_date,
    answers.category,
    coalesce(answers.status, 'pending') as category_status,
    answers.model_version,
    coalesce(answers.attempt_count, 0) as attempt_count,
    answers.last_error,
    answers.asked_at,
    answers.content_hash as _content_hash,
    transactions._load_id,
    transactions._key_hash
  from transactions
  left join answers on transactions.id = answers.id
)

select * from int_transactions_classified

{{ config(
  meta={
    'feed': 'transactions',
    'published': {
      'database': 'sluice',
      'table': 'transactions',
      'key': ['id'],
      'changed_by': {'id': 'id'},
      'by_key': true,
      'also_follows': ['transaction_categories'],
      'indexes': [['transacted_at'], ['merchant', 'transacted_at'], ['category', 'transacted_at']],
      'event_date': 'transacted_at',
      'sort_desc': 'transacted_at',
      'facets': ['category', 'category_status', 'operation_type', 'side'],
    },
  }
) }}

with transactions as (
  select * from {{ ref('int_transactions_classified') }}
),

published_transactions as (
  select
    id,
    description,
    cast(amount as double) as amount,
    {{ instant_text('transacted_at') }} as transacted_at,
    merchant,
    operation_type,
    side,
    category,
    category_status,
    model_version,
    {{ date_text('ingest_date') }} as ingest_date,
    _key_hash
  from transactions
)

select * from published_transactions

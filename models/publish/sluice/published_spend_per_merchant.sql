{{ config(
  meta={
    'feed': 'transactions',
    'published': {
      'database': 'sluice',
      'table': 'spend_per_merchant',
      'key': ['month', 'merchant'],
      'changed_by': {'month': bucket_text("date_trunc('month', transacted_at)"), 'merchant': "coalesce(merchant, '(no merchant)')"},
      'indexes': [['merchant', 'month']],
      'sort_desc': 'month',
      'facets': ['month'],
    },
  }
) }}

with spend as (
  select * from {{ ref('spend_per_merchant') }}
),

published_spend_per_merchant as (
  select
    {{ bucket_text('month') }} as month,
    merchant,
    transaction_count,
    debit_count,
    cast(spent as double) as spent,
    credit_count,
    cast(received as double) as received,
    cast(net_spent as double) as net_spent
  from spend
)

select * from published_spend_per_merchant

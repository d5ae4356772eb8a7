{{ config(
  meta={
    'feed': 'transactions',
    'published': {
      'database': 'sluice',
      'table': 'spend_per_category',
      'key': ['month', 'category'],
      'changed_by': {'month': bucket_text("date_trunc('month', transacted_at)")},
      'also_follows': ['transaction_categories'],
      'sort_desc': 'month',
      'facets': ['category', 'month'],
    },
  }
) }}

with spend as (
  select * from {{ ref('spend_per_category') }}
),

published_spend_per_category as (
  select
    {{ bucket_text('month') }} as month,
    category,
    transaction_count,
    debit_count,
    cast(spent as double) as spent,
    credit_count,
    cast(received as double) as received,
    cast(net_spent as double) as net_spent
  from spend
)

select * from published_spend_per_category

{{ config(
  meta={
    'feed': 'transactions',
    'published': {
      'database': 'sluice',
      'table': 'spend_per_day',
      'key': ['day'],
      'changed_by': {'day': bucket_text("date_trunc('day', transacted_at)")},
      'sort_desc': 'day',
    },
  }
) }}

with spend as (
  select * from {{ ref('spend_per_day') }}
),

published_spend_per_day as (
  select
    {{ bucket_text('day') }} as day,
    transaction_count,
    debit_count,
    cast(spent as double) as spent,
    credit_count,
    cast(received as double) as received,
    cast(net_spent as double) as net_spent
  from spend
)

select * from published_spend_per_day

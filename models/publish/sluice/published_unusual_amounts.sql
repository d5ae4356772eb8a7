{{ config(
  meta={
    'feed': 'transactions',
    'published': {
      'database': 'sluice',
      'table': 'unusual_amounts',
      'key': ['id'],
      'sort_desc': 'transacted_at',
      'facets': ['merchant', 'side', 'direction'],
    },
  }
) }}

with unusual as (
  select * from {{ ref('unusual_amounts') }}
),

published_unusual_amounts as (
  select
    id,
    merchant,
    side,
    {{ instant_text('transacted_at') }} as transacted_at,
    cast(amount as double) as amount,
    expected,
    score,
    direction,
    transaction_count
  from unusual
)

select * from published_unusual_amounts

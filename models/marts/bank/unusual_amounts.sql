{{ config(
  materialized='rollup',
  meta={
    'feed': 'transactions',
    'group_by': {'merchant': 'merchant', 'side': 'side'},
  }
) }}

with transactions as (
  select
    id,
    merchant,
    side,
    transacted_at,
    amount
  from {{ ref('transactions') }}
  where merchant is not null
),

summarised as (
  select
    merchant,
    side,
    count(*) as transaction_count,
    {{ quartiles('cast(amount as double)') }} as quartiles
  from transactions
  group by merchant, side
),

habits as (
  select
    merchant,
    side,
    transaction_count,
    {{ list_item('quartiles', 2) }} as expected,
    greatest(({{ list_item('quartiles', 3) }} - {{ list_item('quartiles', 1) }}) / 1.349, {{ list_item('quartiles', 2) }} / 10, 1) as spread
  from summarised
  where transaction_count >= 10
),

scored as (
  select
    transactions.*,
    habits.transaction_count,
    habits.expected,
    (cast(transactions.amount as double) - habits.expected) / habits.spread as score
  from transactions
  inner join habits on transactions.merchant = habits.merchant and transactions.side = habits.side
),

unusual_amounts as (
  select
    id,
    merchant,
    side,
    transacted_at,
    amount,
    expected,
    score,
    case when score > 0 then 'above' else 'below' end as direction,
    transaction_count
  from scored
  where abs(score) >= {{ var('unusual_amount_score') }}
)

select * from unusual_amounts

{{ config(
  materialized='rollup',
  meta={
    'feed': 'transactions',
    'group_by': {'day': "date_trunc('day', transacted_at)"},
  }
) }}

with transactions as (
  select * from {{ ref('transactions') }}
),

spend_per_day as (
  select
    date_trunc('day', transacted_at) as day,
    {{ spend_columns() | indent(4) }}
  from transactions
  group by date_trunc('day', transacted_at)
)

select * from spend_per_day

{{ config(
  materialized='incremental',
  incremental_strategy='replace_changed_groups',
  unique_key=['day'],
  on_schema_change='fail',
  post_hook="{{ note_consumed('transactions') }}",
  meta={
    'feed': 'transactions',
    'group_by': {'day': "date_trunc('day', transacted_at)"},
  }
) }}

with transactions as (
  select * from {{ rows_of_changed_groups('transactions', ref('transactions'), 'transacted_at') }}
),

spend_per_day as (
  select
    date_trunc('day', transacted_at) as day,
    {{ spend_columns() | indent(4) }}
  from transactions
  group by date_trunc('day', transacted_at)
)

select * from spend_per_day

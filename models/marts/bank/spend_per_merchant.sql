{%- set group_by = {'month': "date_trunc('month', transacted_at)", 'merchant': "coalesce(merchant, '(no merchant)')"} %}
{{ config(
  materialized='rollup',
  meta={
    'feed': 'transactions',
    'group_by': group_by,
  }
) }}

with transactions as (
  select {{ group_by.month }} as month, {{ group_by.merchant }} as merchant, side, amount
  from {{ ref('transactions') }}
),

spend_per_merchant as (
  select
    month,
    merchant,
    {{ spend_columns() | indent(4) }}
  from transactions
  group by month, merchant
)

select * from spend_per_merchant

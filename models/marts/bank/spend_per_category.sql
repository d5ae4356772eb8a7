{%- set group_by = {'month': "date_trunc('month', transacted_at)"} %}
{{ config(
  materialized='rollup',
  meta={
    'feed': 'transactions',
    'also_follows': ['transaction_categories'],
    'group_by': group_by,
    'reads': {'int_transactions_classified': group_by},
  }
) }}

with transactions as (
  select {{ group_by.month }} as month, coalesce(category, 'unclassified') as category, side, amount
  from {{ ref('int_transactions_classified') }}
),

spend_per_category as (
  select
    month,
    category,
    {{ spend_columns() | indent(4) }}
  from transactions
  group by month, category
)

select * from spend_per_category

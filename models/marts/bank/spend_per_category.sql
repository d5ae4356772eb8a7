{%- set group_by = {'month': "date_trunc('month', transacted_at)"} %}
{{ config(
  materialized='incremental',
  incremental_strategy='replace_changed_groups',
  unique_key=['month', 'category'],
  on_schema_change='fail',
  post_hook=["{{ note_consumed('transactions') }}", "{{ note_consumed('transaction_categories') }}"],
  meta={
    'feed': 'transactions',
    'also_follows': ['transaction_categories'],
    'group_by': group_by,
  }
) }}

with transactions as (
  select {{ group_by.month }} as month, coalesce(category, 'unclassified') as category, side, amount
  from {{ ref('int_transactions_classified') }}
  {%- if not is_rebuilt_after('transactions') %}
  where {{ group_by.month }} in ({{ changed_groups('transactions', group_by) }})
  {%- endif %}
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

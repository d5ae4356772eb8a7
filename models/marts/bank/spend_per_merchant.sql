{%- set group_by = {'month': "date_trunc('month', transacted_at)", 'merchant': "coalesce(merchant, '(no merchant)')"} %}
{{ config(
  materialized='incremental',
  incremental_strategy='replace_changed_groups',
  unique_key=['month', 'merchant'],
  on_schema_change='fail',
  post_hook="{{ note_consumed('transactions') }}",
  meta={
    'feed': 'transactions',
    'group_by': group_by,
  }
) }}

with transactions as (
  select {{ group_by.month }} as month, {{ group_by.merchant }} as merchant, side, amount
  from {{ ref('transactions') }}
  {%- if not is_rebuilt_after('transactions') %}
  where ({{ group_by.values() | join(', ') }}) in ({{ changed_groups('transactions', group_by) }})
  {%- endif %}
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

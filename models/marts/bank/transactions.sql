{{ config(materialized='view') }}
-- depends_on: {{ ref('int_transactions_accepted') }}
-- depends_on: {{ ref('int_transactions_contested') }}

with transactions as (
  {{ entity_rows('transactions') | indent(2) }}
)

select * from transactions

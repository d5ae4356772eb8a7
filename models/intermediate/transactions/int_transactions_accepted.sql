{{ config(materialized='view') }}
-- depends_on: {{ ref('stg_landing__transactions') }}

with int_transactions_accepted as (
  {{ accepted_records('transactions') | indent(2) }}
)

select * from int_transactions_accepted

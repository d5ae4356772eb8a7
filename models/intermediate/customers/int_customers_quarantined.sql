{{ config(materialized='view') }}
-- depends_on: {{ ref('stg_landing__customers') }}

with int_customers_quarantined as (
  {{ quarantined_records('customers') | indent(2) }}
)

select * from int_customers_quarantined

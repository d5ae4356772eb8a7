{{ config(materialized='view') }}
-- depends_on: {{ ref('int_customers_accepted') }}
-- depends_on: {{ ref('int_customers_contested') }}

with customers as (
  {{ entity_rows('customers') | indent(2) }}
)

select * from customers

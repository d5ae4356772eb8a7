{%- set entity = {
  'key': ['order_id'],
  'best': [
    ['cast(currency is not null as integer)', 'desc'],
    ['ordered_at', 'desc'],
  ],
  'columns': ['order_id', 'customer_id', 'ordered_at', 'amount', 'currency', 'status'],
  'reference': {'column': 'customer_id', 'entity': 'customers', 'reason': 'unknown_customer_id'},
} %}
{{ config(materialized='entity', meta={'feed': 'orders', 'entity': entity}) }}

with orders as (
  {{ best_records(ref('stg_landing__orders'), entity, ref('customers')) | indent(2) }}
)

select * from orders

{%- set entity = {
  'key': ['customer_id'],
  'best': [
    ['cast(email is not null as integer)', 'desc'],
    ['cast(created_at is not null as integer)', 'desc'],
    ['created_at', 'desc'],
  ],
  'columns': ['customer_id', 'email', 'country', 'created_at'],
} %}
{{ config(materialized='entity', meta={'feed': 'customers', 'entity': entity}) }}

with customers as (
  {{ best_records(ref('stg_landing__customers'), entity) | indent(2) }}
)

select * from customers

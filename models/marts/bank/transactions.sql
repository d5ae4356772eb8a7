{%- set entity = {
  'key': ['id'],
  'best': [
    ['cast(description is not null as integer) + cast(merchant is not null as integer) + cast(operation_type is not null as integer)', 'desc'],
    ['transacted_at', 'desc'],
  ],
  'columns': ['id', 'description', 'amount', 'transacted_at', 'merchant', 'operation_type', 'side'],
} %}
{{ config(materialized='entity', meta={'feed': 'transactions', 'entity': entity}) }}

with transactions as (
  {{ best_records(ref('stg_landing__transactions'), entity) | indent(2) }}
)

select * from transactions

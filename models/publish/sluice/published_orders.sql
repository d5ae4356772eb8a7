{{ config(
  meta={
    'feed': 'orders',
    'published': {
      'database': 'sluice',
      'table': 'orders',
      'key': ['order_id'],
      'changed_by': {'order_id': 'order_id'},
      'by_key': true,
      'indexes': [['ordered_at']],
      'event_date': 'ordered_at',
      'sort_desc': 'ordered_at',
      'facets': ['status', 'currency'],
    },
  }
) }}

with orders as (
  select * from {{ ref('orders') }}
),

published_orders as (
  select
    order_id,
    customer_id,
    {{ instant_text('ordered_at') }} as ordered_at,
    cast(amount as double) as amount,
    currency,
    status,
    {{ date_text('ingest_date') }} as ingest_date,
    _key_hash
  from orders
)

select * from published_orders

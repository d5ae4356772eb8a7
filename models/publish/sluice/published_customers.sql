{{ config(
  meta={
    'feed': 'customers',
    'published': {
      'database': 'sluice',
      'table': 'customers',
      'key': ['customer_id'],
      'changed_by': {'customer_id': 'customer_id'},
      'by_key': true,
      'sort': 'customer_id',
      'facets': ['country'],
    },
  }
) }}

with customers as (
  select * from {{ ref('customers') }}
),

published_customers as (
  select
    customer_id,
    {{ pii_hash('email') }} as email_key,
    country,
    {{ instant_text('created_at') }} as created_at,
    _key_hash
  from customers
)

select * from published_customers

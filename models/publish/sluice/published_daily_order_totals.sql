{{ config(
  meta={
    'feed': 'orders',
    'published': {
      'database': 'sluice',
      'table': 'daily_order_totals',
      'changed_by': {'ingest_date': date_text('ingest_date')},
      'indexes': [['ingest_date']],
      'sort_desc': 'ingest_date',
      'facets': ['currency', 'status'],
    },
  }
) }}

with totals as (
  select * from {{ ref('daily_order_totals') }}
),

published_daily_order_totals as (
  select
    {{ date_text('ingest_date') }} as ingest_date,
    currency,
    status,
    order_count,
    cast(amount as double) as amount
  from totals
)

select * from published_daily_order_totals

{{ config(
  materialized='rollup',
  meta={'feed': 'orders', 'sums': ['order_count', 'amount']}
) }}

with orders as (
  select
    ingest_date,
    currency,
    status,
    amount
  from {{ ref('orders') }}
),

daily_order_totals as (
  select
    ingest_date,
    currency,
    status,
    count(*) as order_count,
    cast(sum(amount) as decimal(38, 4)) as amount
  from orders
  group by ingest_date, currency, status
)

select * from daily_order_totals

{{ config(
  materialized='incremental',
  incremental_strategy='add_changes',
  unique_key=['ingest_date', 'currency', 'status'],
  on_schema_change='fail',
  post_hook="{{ note_consumed('orders') }}",
  meta={'feed': 'orders', 'sums': ['order_count', 'amount']}
) }}

with orders as (
  select
    ingest_date,
    currency,
    status,
    amount,
    sign
  from {{ signed_rows('orders', ref('orders')) }}
),

daily_order_totals as (
  select
    ingest_date,
    currency,
    status,
    cast(sum(sign) as bigint) as order_count,
    cast(sum(amount * sign) as decimal(38, 4)) as amount
  from orders
  group by ingest_date, currency, status
)

select * from daily_order_totals

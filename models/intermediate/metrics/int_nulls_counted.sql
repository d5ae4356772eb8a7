{{ config(
  materialized='incremental',
  incremental_strategy='add_changes',
  unique_key=['feed', 'ingest_date', 'column_name'],
  on_schema_change='fail',
  tags=['reports'],
  post_hook="{{ note_all_consumed(feeds()) }}",
  meta={
    'feeds': ['customers', 'orders', 'product_events', 'service_events', 'tenant_events', 'transactions'],
    'sums': ['null_count'],
  }
) }}

with int_nulls_counted as (
  {%- for feed in feeds() %}
  {{ nulls_per_column(feed, signed_rows(feed, ref(feed))) | indent(2) }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
)

select * from int_nulls_counted

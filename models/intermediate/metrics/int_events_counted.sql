{{ config(
  materialized='incremental',
  incremental_strategy='add_changes',
  unique_key=['feed', 'ingest_date', 'event_date', 'hour'],
  on_schema_change='fail',
  post_hook="{{ note_all_consumed(['orders', 'product_events', 'service_events', 'tenant_events', 'transactions']) }}",
  meta={
    'feeds': ['orders', 'product_events', 'service_events', 'tenant_events', 'transactions'],
    'sums': ['event_count'],
  }
) }}

with events as (
  {%- for feed, instant in event_instants().items() %}
  select '{{ feed }}' as feed, ingest_date, {{ instant }} as event_at, sign
  from {{ signed_rows(feed, ref(feed)) }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

int_events_counted as (
  select
    feed,
    ingest_date,
    cast(event_at as date) as event_date,
    cast(extract(hour from event_at) as integer) as hour,
    cast(sum(sign) as bigint) as event_count
  from events
  group by feed, ingest_date, cast(event_at as date), extract(hour from event_at)
)

select * from int_events_counted

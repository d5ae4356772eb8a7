{{ config(materialized='view') }}

with future as (
  {%- for feed, instant in event_instants().items() %}
  select
    '{{ feed }}' as feed,
    ingest_date,
    {{ instant }} as event_at
  from {{ ref(feed) }}
  where {{ instant }} > {{ future_begins() }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

counted as (
  select
    feed,
    ingest_date,
    count(*) as event_count,
    max(event_at) as newest_event_at
  from future
  group by feed, ingest_date
),

future_events_alerts as (
  select
    ingest_date,
    'future_events' as alert,
    feed,
    'warning' as severity,
    cast(event_count as double) as observed,
    cast(0 as double) as threshold,
    event_count || ' events are dated more than a day ahead, up to the year ' || extract(year from newest_event_at) as message,
    cast(null as varchar) as file
  from counted
)

select * from future_events_alerts

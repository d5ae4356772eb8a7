{{ config(materialized='rollup', meta={'sums': ['event_count']}) }}

with events as (
  {%- for feed, instant in event_instants().items() %}
  select '{{ feed }}' as feed, ingest_date, {{ instant }} as event_at
  from {{ ref(feed) }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

int_events_counted as (
  select
    feed,
    ingest_date,
    cast(event_at as date) as event_date,
    cast(extract(hour from event_at) as integer) as hour,
    count(*) as event_count
  from events
  group by feed, ingest_date, cast(event_at as date), extract(hour from event_at)
)

select * from int_events_counted

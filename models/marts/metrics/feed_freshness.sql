{{ config(materialized='table') }}

with counted as (
  select distinct feed
  from {{ ref('int_events_counted') }}
),

newest as (
  {%- for feed, instant in event_instants().items() %}
  select
    '{{ feed }}' as feed,
    max({{ instant }}) as newest_event_at
  from {{ ref(feed) }}
  where {{ instant }} between {{ start_of_newest_hours(feed) }} and {{ as_of_literal() }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

delivered as (
  select
    feed,
    max(ingest_date) as newest_ingest_date
  from {{ ref('daily_metrics') }}
  group by feed
),

feed_freshness as (
  select
    newest.feed,
    newest.newest_event_at,
    delivered.newest_ingest_date
  from newest
  inner join counted on newest.feed = counted.feed
  inner join delivered on newest.feed = delivered.feed
)

select * from feed_freshness

{{ config(materialized='table') }}

with hours as (
  select
    feed,
    max(event_date) as newest_date
  from {{ ref('int_events_counted') }}
  group by feed
),

newest as (
  {%- for feed, instant in event_instants().items() %}
  select
    '{{ feed }}' as feed,
    max({{ instant }}) as newest_event_at
  from {{ ref(feed) }}
  where {{ instant }} >= {{ start_of_newest_day(feed) }}
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
  inner join hours on newest.feed = hours.feed
  inner join delivered on newest.feed = delivered.feed
)

select * from feed_freshness

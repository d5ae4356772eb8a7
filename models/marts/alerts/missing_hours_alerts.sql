{{ config(materialized='view') }}

{%- set hourly_feeds = "('" ~ var('hourly_feeds') | join("', '") ~ "')" %}

with metrics as (
  select * from {{ ref('daily_metrics') }}
),

counted as (
  select * from {{ ref('int_events_counted') }}
),

active_hours as (
  {%- for hour in var('active_hours') %}
  select {{ hour | int }} as hour
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

expected as (
  select
    metrics.ingest_date,
    metrics.feed,
    active_hours.hour
  from metrics
  cross join active_hours
  where metrics.feed in {{ hourly_feeds }}
),

found as (
  select distinct
    ingest_date,
    feed,
    hour
  from counted
),

missing as (
  select
    expected.ingest_date,
    expected.feed,
    count(*) as missing_count,
    {{ dbt.listagg('cast(expected.hour as ' ~ dbt.type_string() ~ ')', "', '", 'order by expected.hour') }} as hours
  from expected
  left join found
    on expected.ingest_date = found.ingest_date and expected.feed = found.feed and expected.hour = found.hour
  where found.hour is null
  group by expected.ingest_date, expected.feed
),

missing_hours_alerts as (
  select
    ingest_date,
    'missing_hours' as alert,
    feed,
    {{ severity_of_day('ingest_date') }} as severity,
    cast(missing_count as double) as observed,
    cast({{ var('max_missing_hours') }} as double) as threshold,
    missing_count || ' of {{ var("active_hours") | length }} hours have no clean event: ' || hours as message,
    cast(null as varchar) as file
  from missing
  where missing_count > {{ var('max_missing_hours') }}
)

select * from missing_hours_alerts

{# A table, because the file that it is made of may go. #}
{{ config(materialized='table') }}

with gaps as (
  {{ stream_gaps() | indent(2) }}
),

dated as (
  select
    *,
    coalesce(cast(noted_at as date), cast({{ as_of() }} as date)) as ingest_date
  from gaps
),

topics_met as (
  select distinct
    ingest_date,
    feed,
    topic
  from dated
),

topics as (
  select
    ingest_date,
    feed,
    {{ dbt.listagg('topic', "', '", 'order by topic') }} as topic_names
  from topics_met
  group by ingest_date, feed
),

counted as (
  select
    ingest_date,
    feed,
    count(*) as gap_count,
    coalesce(sum(lost_count), 0) as lost_count,
    count(*) - count(lost_count) as open_count
  from dated
  group by ingest_date, feed
),

stream_gap_alerts as (
  select
    counted.ingest_date,
    'stream_gap' as alert,
    counted.feed,
    case when counted.lost_count > 0 then 'critical' else 'warning' end as severity,
    cast(counted.gap_count as double) as observed,
    cast(0 as double) as threshold,
    'before they landed, messages were gone from ' || topics.topic_names || ': '
    || cast(counted.lost_count as varchar) || ' are known to be lost'
    || case
      when counted.open_count > 0 then ', and in ' || counted.open_count || ' of ' || counted.gap_count || ' gaps it is not known how many'
      else ''
    end
    || ' (streams/gaps.jsonl)' as message,
    cast(null as varchar) as file
  from counted
  inner join topics
    on counted.ingest_date = topics.ingest_date and counted.feed = topics.feed
)

select * from stream_gap_alerts

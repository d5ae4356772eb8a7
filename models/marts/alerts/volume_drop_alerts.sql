{{ config(materialized='view') }}

with metrics as (
  select * from {{ ref('daily_metrics') }}
),

compared as (
  select
    ingest_date,
    feed,
    records_read,
    count(*) over seven_before as earlier_count,
    median(records_read) over seven_before as usual_count
  from metrics
  window seven_before as (partition by feed order by ingest_date rows between 7 preceding and 1 preceding)
),

dropped as (
  select
    *,
    1 - records_read / nullif(usual_count, 0) as drop_rate
  from compared
  where earlier_count = 7
),

volume_drop_alerts as (
  select
    ingest_date,
    'volume_drop' as alert,
    feed,
    {{ severity_of_day('ingest_date') }} as severity,
    drop_rate as observed,
    cast({{ var('max_volume_drop') }} as double) as threshold,
    records_read || ' records were read; the median of the 7 dates before is ' || usual_count as message,
    cast(null as varchar) as file
  from dropped
  where drop_rate > cast({{ var('max_volume_drop') }} as double)
)

select * from volume_drop_alerts

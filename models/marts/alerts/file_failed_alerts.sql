{{ config(materialized='view') }}

with file_loads as (
  select * from {{ ref('file_loads') }}
),

counting as (
  select distinct file
  from file_loads
  where records_read is not null
),

failed as (
  select
    file_loads.feed,
    file_loads.file,
    coalesce(
      file_loads.ingest_date,
      case when file_loads.modified_at > timestamp '1970-01-01' then cast(file_loads.modified_at as date) end,
      cast({{ as_of() }} as date)
    ) as ingest_date,
    file_loads.public_error,
    counting.file is not null as has_earlier_version
  from file_loads
  left join counting on file_loads.file = counting.file
  where file_loads.status = 'failed'
),

file_failed_alerts as (
  select
    ingest_date,
    'file_failed' as alert,
    feed,
    case when has_earlier_version then 'warning' else 'critical' end as severity,
    cast(1 as double) as observed,
    cast(0 as double) as threshold,
    file || ' was not loaded' || case when has_earlier_version then ' and its earlier version stays' else '' end
    || ': ' || public_error as message,
    file
  from failed
)

select * from file_failed_alerts

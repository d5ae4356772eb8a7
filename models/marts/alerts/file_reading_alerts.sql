{{ config(materialized='view') }}

with file_loads as (
  select * from {{ ref('file_loads') }}
),

current_files as (
  select *
  from file_loads
  where status in ('loaded', 'archived')
),

found as (
  select
    feed,
    file,
    ingest_date,
    'file_shrank' as alert,
    'warning' as severity,
    1 - records_read / previous_records_read as observed,
    cast(0.5 as double) as threshold,
    file || ' holds ' || records_read || ' records; the version before it held ' || previous_records_read as message
  from current_files
  where previous_records_read > 0 and records_read < previous_records_read / 2
  union all
  select
    feed,
    file,
    ingest_date,
    'encoding_guessed' as alert,
    'info' as severity,
    cast(1 as double) as observed,
    cast(0 as double) as threshold,
    file || ' does not say how it is encoded and was read as ' || encoding
    || '; the option encoding of its source decides instead' as message
  from current_files
  where is_encoding_guessed
  union all
  select
    feed,
    file,
    ingest_date,
    'date_order_assumed' as alert,
    'info' as severity,
    cast(1 as double) as observed,
    cast(0 as double) as threshold,
    file || ' has dates that can be read day first or month first, and none that tells; they were read as ' || date_order
    || '; the option date_order of its source decides instead' as message
  from current_files
  where is_date_order_assumed
),

file_reading_alerts as (
  select
    ingest_date,
    alert,
    feed,
    severity,
    observed,
    threshold,
    message,
    file
  from found
)

select * from file_reading_alerts

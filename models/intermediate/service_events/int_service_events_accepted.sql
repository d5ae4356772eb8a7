{{ config(materialized='view') }}

with records as (
  select * from {{ ref('stg_landing__service_events') }}
),

loads as (
  select load_id, file, ingest_date from state.current_loads where feed = 'service_events'
),

int_service_events_accepted as (
  select
    records.event_id,
    records.service,
    records.event_type,
    records.event_at,
    records.event_at_raw,
    records.latency_ms,
    records.status_code,
    records.user_id,
    loads.ingest_date,
    records._load_id,
    records._key_hash,
    records._tie_break,
    loads.file as _file
  from records
  inner join loads on records._load_id = loads.load_id
  where records._reject_reasons is null
)

select * from int_service_events_accepted

{{ config(materialized='view') }}

with accepted as (
  select * from {{ ref('int_service_events_accepted') }}
),

contested as (
  select * from {{ ref('int_service_events_contested') }}
),

uncontested as (
  select * from accepted where _key_hash not in (select _key_hash from contested)
),

best as (
  select * from contested where _rank = 1
),

service_events as (
  select event_id, service, event_type, event_at, event_at_raw, latency_ms, status_code, user_id, ingest_date, _load_id, _key_hash
  from uncontested
  union all
  select event_id, service, event_type, event_at, event_at_raw, latency_ms, status_code, user_id, ingest_date, _load_id, _key_hash
  from best
)

select * from service_events

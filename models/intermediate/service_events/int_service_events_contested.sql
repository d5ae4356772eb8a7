{{ config(
  materialized='incremental',
  incremental_strategy='replace_touched',
  unique_key=['event_id', '_rank'],
  on_schema_change='fail',
  pre_hook="{{ open_changes('service_events') }}",
  post_hook="{{ close_changes('service_events') }}",
  meta={
    'feed': 'service_events',
    'entity': {
      'key': ['event_id'],
      'best': [
        ['(latency_ms is not null)::integer + (status_code is not null)::integer + (user_id is not null)::integer', 'desc'],
        ['event_at', 'desc'],
      ],
      'columns': ['event_id', 'service', 'event_type', 'event_at', 'event_at_raw', 'latency_ms', 'status_code', 'user_id'],
    },
  }
) }}
-- depends_on: {{ ref('stg_landing__service_events') }}
-- depends_on: {{ ref('int_service_events_accepted') }}

with rivals as (
  select * from {{ contested_rivals('service_events') }}
),

ranked as (
  select
    *,
    row_number() over (partition by event_id order by {{ best_first('service_events') }}) as _rank,
    count(*) over (partition by _key_hash) > 1 as _is_contested
  from rivals
),

int_service_events_contested as (
  select
    event_id,
    service,
    event_type,
    event_at,
    event_at_raw,
    latency_ms,
    status_code,
    user_id,
    ingest_date,
    _load_id,
    _key_hash,
    _tie_break,
    _file,
    _rank,
    _is_contested
  from ranked
)

select * from int_service_events_contested

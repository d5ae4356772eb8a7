{{ config(
  materialized='by_difference',
  incremental_strategy='replace_touched',
  pre_hook="{{ open_changes('service_events') }}",
  post_hook="{{ close_changes('service_events') }}",
  meta={
    'feed': 'service_events',
    'entity': {
      'key': ['event_id'],
      'best': [
        ['cast(latency_ms is not null as integer) + cast(status_code is not null as integer) + cast(user_id is not null as integer)', 'desc'],
        ['event_at', 'desc'],
      ],
      'columns': ['event_id', 'service', 'event_type', 'event_at', 'event_at_raw', 'latency_ms', 'status_code', 'user_id'],
    },
  }
) }}
-- depends_on: {{ ref('stg_landing__service_events') }}
-- depends_on: {{ ref('int_service_events_accepted') }}

with int_service_events_contested as (
  {{ ranked_rivals('service_events') | indent(2) }}
)

select * from int_service_events_contested

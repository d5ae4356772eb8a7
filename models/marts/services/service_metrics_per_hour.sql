{{ config(
  materialized='rollup',
  meta={
    'feed': 'service_events',
    'group_by': {'service': 'service', 'hour': "date_trunc('hour', event_at)"},
  }
) }}

with events as (
  select * from {{ ref('service_events') }}
),

service_metrics_per_hour as (
  {{ service_metrics('events', 'hour') | indent(2) }}
)

select * from service_metrics_per_hour

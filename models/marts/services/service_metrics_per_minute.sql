{{ config(
  materialized='rollup',
  meta={
    'feed': 'service_events',
    'group_by': {'service': 'service', 'minute': "date_trunc('minute', event_at)"},
  }
) }}

with events as (
  select * from {{ ref('service_events') }}
),

service_metrics_per_minute as (
  {{ service_metrics('events', 'minute') | indent(2) }}
)

select * from service_metrics_per_minute

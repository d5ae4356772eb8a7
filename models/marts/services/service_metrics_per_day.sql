{{ config(
  materialized='rollup',
  meta={
    'feed': 'service_events',
    'group_by': {'service': 'service', 'day': "date_trunc('day', event_at)"},
  }
) }}

with events as (
  select * from {{ ref('service_events') }}
),

service_metrics_per_day as (
  {{ service_metrics('events', 'day') | indent(2) }}
)

select * from service_metrics_per_day

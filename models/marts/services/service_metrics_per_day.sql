{{ config(
  materialized='incremental',
  incremental_strategy='replace_changed_groups',
  unique_key=['service', 'day'],
  on_schema_change='fail',
  post_hook="{{ note_consumed('service_events') }}",
  meta={
    'feed': 'service_events',
    'group_by': {'service': 'service', 'day': "date_trunc('day', event_at)"},
  }
) }}

with events as (
  select * from {{ rows_of_changed_groups('service_events', ref('service_events')) }}
),

service_metrics_per_day as (
  {{ service_metrics('events', 'day') | indent(2) }}
)

select * from service_metrics_per_day

{{ config(
  materialized='incremental',
  incremental_strategy='replace_changed_groups',
  unique_key=['service', 'hour'],
  on_schema_change='fail',
  post_hook="{{ note_consumed('service_events') }}",
  meta={
    'feed': 'service_events',
    'group_by': {'service': 'service', 'hour': "date_trunc('hour', event_at)"},
  }
) }}

with events as (
  select * from {{ rows_of_changed_groups('service_events', ref('service_events'), reach='hour') }}
),

service_metrics_per_hour as (
  {{ service_metrics('events', 'hour') | indent(2) }}
)

select * from service_metrics_per_hour

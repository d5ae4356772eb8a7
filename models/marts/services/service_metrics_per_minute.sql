{{ config(
  materialized='incremental',
  incremental_strategy='replace_changed_groups',
  unique_key=['service', 'minute'],
  on_schema_change='fail',
  post_hook="{{ note_consumed('service_events') }}",
  meta={
    'feed': 'service_events',
    'group_by': {'service': 'service', 'minute': "date_trunc('minute', event_at)"},
  }
) }}

with events as (
  select * from {{ rows_of_changed_groups('service_events', ref('service_events'), reach='minute') }}
),

service_metrics_per_minute as (
  {{ service_metrics('events', 'minute') | indent(2) }}
)

select * from service_metrics_per_minute

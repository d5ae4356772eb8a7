{{ config(
  materialized='rollup',
  meta={
    'feed': 'tenant_events',
    'sums': ['event_count', 'amount_count', 'amount_sum', 'payload_bytes'],
    'group_by': {
      'tenant_id': 'tenant_id',
      'source': 'source',
      'event_type': 'event_type',
      'day': "date_trunc('day', event_at)",
    },
  }
) }}

with events as (
  select
    *,
    {{ payload_values(payload_fields(['amount'])) | indent(4) }}
  from {{ ref('tenant_events') }}
),

tenant_metrics_per_day as (
  {{ tenant_metrics('events', 'day') | indent(2) }}
)

select * from tenant_metrics_per_day

{{ config(
  materialized='rollup',
  meta={
    'feed': 'tenant_events',
    'sums': ['event_count', 'amount_count', 'amount_sum', 'payload_bytes'],
    'group_by': {
      'tenant_id': 'tenant_id',
      'source': 'source',
      'event_type': 'event_type',
      'minute': "date_trunc('minute', event_at)",
    },
  }
) }}

with events as (
  select
    *,
    {{ payload_values(payload_fields(['amount'])) | indent(4) }}
  from {{ ref('tenant_events') }}
),

tenant_metrics_per_minute as (
  {{ tenant_metrics('events', 'minute') | indent(2) }}
)

select * from tenant_metrics_per_minute

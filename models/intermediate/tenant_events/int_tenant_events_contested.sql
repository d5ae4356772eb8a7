{{ config(
  materialized='by_difference',
  incremental_strategy='replace_touched',
  pre_hook="{{ open_changes('tenant_events') }}",
  post_hook="{{ close_changes('tenant_events') }}",
  meta={
    'feed': 'tenant_events',
    'declared_by': 'payload_declaration',
    'entity': {
      'key': ['tenant_id', 'event_id'],
      'best': [
        ['_file', 'asc'],
        ['event_at', 'asc'],
      ],
      'columns': ['tenant_id', 'event_id', 'source', 'event_type', 'event_at', 'schema_version', 'payload'],
    },
  }
) }}
-- depends_on: {{ ref('stg_landing__tenant_events') }}
-- depends_on: {{ ref('int_tenant_events_accepted') }}

with int_tenant_events_contested as (
  {{ ranked_rivals('tenant_events') | indent(2) }}
)

select * from int_tenant_events_contested

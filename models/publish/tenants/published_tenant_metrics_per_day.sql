{{ config(
  meta={
    'feed': 'tenant_events',
    'published': {
      'database': 'tenants',
      'file_by': 'tenant_id',
      'table': 'metrics_per_day',
      'key': ['source', 'event_type', 'day'],
      'changed_by': {
        'tenant_id': 'tenant_id',
        'source': 'source',
        'event_type': 'event_type',
        'day': bucket_text("date_trunc('day', event_at)"),
      },
      'sort_desc': 'day',
      'facets': ['source', 'event_type'],
    },
  }
) }}

with metrics as (
  select * from {{ ref('tenant_metrics_per_day') }}
),

published_tenant_metrics_per_day as (
  select
    tenant_id,
    source,
    event_type,
    {{ bucket_text('day') }} as day,
    event_count,
    case when amount_count > 0 then cast(amount_sum as double) end as amount_sum,
    amount_count
  from metrics
)

select * from published_tenant_metrics_per_day

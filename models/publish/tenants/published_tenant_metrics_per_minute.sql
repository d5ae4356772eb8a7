{{ config(
  meta={
    'feed': 'tenant_events',
    'published': {
      'database': 'tenants',
      'file_by': 'tenant_id',
      'table': 'metrics_per_minute',
      'key': ['source', 'event_type', 'minute'],
      'changed_by': {
        'tenant_id': 'tenant_id',
        'source': 'source',
        'event_type': 'event_type',
        'minute': bucket_text("date_trunc('minute', event_at)"),
      },
      'sort_desc': 'minute',
      'facets': ['source', 'event_type'],
    },
  }
) }}

with metrics as (
  select * from {{ ref('tenant_metrics_per_minute') }}
),

published_tenant_metrics_per_minute as (
  select
    tenant_id,
    source,
    event_type,
    {{ bucket_text('minute') }} as minute,
    event_count,
    case when amount_count > 0 then cast(amount_sum as double) end as amount_sum,
    amount_count
  from metrics
)

select * from published_tenant_metrics_per_minute

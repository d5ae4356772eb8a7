{{ config(
  meta={
    'published': {
      'database': 'sluice',
      'table': 'daily_metrics',
      'key': ['ingest_date', 'feed'],
      'sort_desc': 'ingest_date',
      'facets': ['feed'],
    },
  }
) }}

with metrics as (
  select * from {{ ref('daily_metrics') }}
),

published_daily_metrics as (
  select
    {{ date_text('ingest_date') }} as ingest_date,
    feed,
    records_read,
    clean_count,
    duplicate_count,
    quarantined_count,
    forgotten_count,
    quarantine_rate,
    repaired_count,
    p50_duration_ms,
    p95_duration_ms
  from metrics
)

select * from published_daily_metrics

{{ config(
  meta={
    'published': {
      'database': 'sluice',
      'table': 'quarantine_summary',
      'key': ['feed', 'ingest_date', 'reject_reason'],
      'sort_desc': 'ingest_date',
      'facets': ['feed', 'reject_reason'],
    },
  }
) }}

with summary as (
  select * from {{ ref('quarantine_summary') }}
),

published_quarantine_summary as (
  select feed, {{ date_text('ingest_date') }} as ingest_date, reject_reason, record_count
  from summary
)

select * from published_quarantine_summary

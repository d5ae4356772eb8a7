{{ config(
  meta={
    'published': {
      'database': 'operations',
      'table': 'quarantine',
      'by_file': true,
      'indexes': [['file'], ['feed', 'ingest_date']],
      'sort_desc': 'ingest_date',
      'facets': ['feed', 'ingest_date'],
    },
  }
) }}

with quarantine as (
  select * from {{ ref('quarantine') }}
),

published_quarantine as (
  select
    feed,
    file,
    line,
    {{ date_text('ingest_date') }} as ingest_date,
    cast(to_json(reject_reasons) as varchar) as reject_reasons,
    raw_record,
    {{ instant_text('loaded_at') }} as loaded_at
  from quarantine
)

select * from published_quarantine

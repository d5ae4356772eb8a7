{{ config(
  meta={
    'published': {
      'database': 'operations',
      'table': 'file_loads',
      'indexes': [['file'], ['feed', 'ingest_date']],
      'sort_desc': 'loaded_at',
      'facets': ['feed', 'status', 'ingest_date'],
    },
  }
) }}

with file_loads as (
  select * from {{ ref('file_loads') }}
),

published_file_loads as (
  select
    feed,
    file,
    {{ date_text('ingest_date') }} as ingest_date,
    status,
    size_bytes,
    {{ instant_text('modified_at') }} as modified_at,
    records_read,
    clean_count,
    duplicate_count,
    quarantined_count,
    forgotten_count,
    {{ instant_text('loaded_at') }} as loaded_at,
    error,
    content_hash,
    note,
    encoding,
    is_encoding_guessed,
    delimiter,
    header_kind,
    skipped_lines,
    date_order,
    is_date_order_assumed,
    decimal
  from file_loads
)

select * from published_file_loads

{{ config(
  meta={
    'published': {
      'database': 'operations',
      'table': 'pipeline_runs',
      'key': ['run_id'],
      'every_run': true,
      'sort_desc': 'started_at',
      'facets': ['status'],
    },
  }
) }}

with runs as (
  select * from {{ ref('pipeline_runs') }}
),

published_pipeline_runs as (
  select
    run_id,
    {{ instant_text('started_at') }} as started_at,
    {{ instant_text('finished_at') }} as finished_at,
    status,
    files_loaded,
    records_read,
    accepted_count,
    rejected_count,
    seconds
  from runs
)

select * from published_pipeline_runs

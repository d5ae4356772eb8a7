{{ config(materialized='view') }}

with runs as (
  select * from state.runs
),

pipeline_runs as (
  select
    run_id,
    started_at,
    finished_at,
    status,
    files_loaded,
    records_read,
    clean_count as accepted_count,
    quarantined_count as rejected_count,
    epoch(finished_at - started_at) as seconds
  from runs
)

select * from pipeline_runs

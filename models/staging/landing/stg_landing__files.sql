{{ config(materialized='table') }}

with listed as (
  {{ landing_files() | indent(2) }}
),

stg_landing__files as (
  select
    file,
    feed,
    ingest_date,
    path,
    size_bytes,
    modified_ns,
    make_timestamp(modified_ns // 1000) as modified_at,
    error
  from listed
)

select * from stg_landing__files

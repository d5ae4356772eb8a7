{{ config(materialized='table') }}

with quarantine as (
  select
    feed,
    ingest_date,
    unnest(reject_reasons) as reject_reason
  from {{ ref('quarantine') }}
),

quarantine_summary as (
  select
    feed,
    ingest_date,
    reject_reason,
    count(*) as record_count
  from quarantine
  group by feed, ingest_date, reject_reason
)

select * from quarantine_summary

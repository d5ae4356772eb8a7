{{ config(materialized='table') }}

with loads as (
  select
    load_id,
    feed,
    ingest_date
  from state.current_loads
),

reasons as (
  select
    load_id,
    reject_reason,
    record_count
  from {{ ref('int_reasons_counted') }}
  where record_count > 0
  {%- for feed in feeds() %}
  {%- set waiting = waiting_records(feed) %}
  {%- if entity(feed).reference %}
  union all
  select
    _load_id as load_id,
    '{{ entity(feed).reference.reason }}' as reject_reason,
    count(*) as record_count
  from {{ waiting }}
  group by _load_id
  {%- endif %}
  {%- endfor %}
),

quarantine_summary as (
  select
    loads.feed,
    loads.ingest_date,
    reasons.reject_reason,
    cast(sum(reasons.record_count) as bigint) as record_count
  from reasons
  inner join loads on reasons.load_id = loads.load_id
  group by loads.feed, loads.ingest_date, reasons.reject_reason
)

select * from quarantine_summary

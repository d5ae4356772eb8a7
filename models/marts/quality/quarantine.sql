{{ config(materialized='view') }}

with loads as (
  select
    load_id,
    file,
    ingest_date,
    loaded_at
  from state.loads
),

quarantined as (
  {%- for feed in feeds() %}
  select
    '{{ feed }}' as feed,
    _load_id,
    line,
    reject_reasons,
    raw_record,
    _is_waiting
  from (
    {{ quarantined_records(feed) | indent(4) }}
  ) as of_feed
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

quarantine as (
  select
    quarantined.feed,
    loads.file,
    quarantined.line,
    loads.ingest_date,
    quarantined.reject_reasons,
    quarantined.raw_record,
    loads.loaded_at,
    quarantined._load_id,
    quarantined._is_waiting
  from quarantined
  inner join loads on quarantined._load_id = loads.load_id
)

select * from quarantine

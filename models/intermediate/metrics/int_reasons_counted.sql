{{ config(
  materialized='incremental',
  incremental_strategy='follow_loads',
  unique_key=['load_id', 'reject_reason'],
  on_schema_change='fail',
) }}
{%- for feed in feeds() %}
-- depends_on: {{ ref('stg_landing__' ~ feed) }}
{%- endfor %}

with loads as (
  {{ loads_to_follow() }}
),

rejects as (
  {%- for feed in feeds() if loads_to_follow_of(feed) %}
  select
    _load_id as load_id,
    unnest(_reject_reasons) as reject_reason
  from {{ ref('stg_landing__' ~ feed) }}
  where _reject_reasons is not null and _load_id in ({{ loads_to_follow_of(feed) }})
  union all
  {%- endfor %}
  select
    cast(null as integer) as load_id,
    cast(null as varchar) as reject_reason
  where false
),

counted as (
  select
    load_id,
    reject_reason,
    count(*) as record_count
  from rejects
  group by load_id, reject_reason
),

int_reasons_counted as (
  select
    loads.load_id,
    loads.feed,
    counted.reject_reason,
    coalesce(counted.record_count, 0) as record_count
  from loads
  left join counted on loads.load_id = counted.load_id
)

select * from int_reasons_counted

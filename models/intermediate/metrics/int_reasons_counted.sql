{{ config(materialized='rollup', meta={'per_load': true}) }}

with loads as (
  select
    load_id,
    feed
  from {{ current_loads() }}
),

rejects as (
  {%- for feed in feeds() %}
  select
    _load_id as load_id,
    unnest(_reject_reasons) as reject_reason
  from {{ ref('stg_landing__' ~ feed) }}
  where _reject_reasons is not null
  {{ 'union all' if not loop.last }}
  {%- endfor %}
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

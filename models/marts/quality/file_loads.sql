{{ config(materialized='table') }}
-- depends_on: {{ ref('int_orders_waiting') }}
-- depends_on: {{ ref('int_product_events_waiting') }}

with landing_files as (
  select * from {{ ref('stg_landing__files') }}
),

loads as (
  select
    *,
    row_number() over (partition by file order by load_id desc) = 1 as is_latest,
    row_number() over (partition by file, size_bytes, modified_ns order by load_id desc) > 1 as is_repeated
  from state.loads
),

current_loads as (
  select load_id from state.current_loads
),

duplicates as (
  {%- for feed in feeds() %}
  select
    _load_id as load_id,
    count(*) as duplicate_count
  from {{ ref('int_' ~ feed ~ '_contested') }}
  where _rank > 1
  group by _load_id
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

waiting as (
  {{ waiting_counts() | indent(2) }}
),

judged as (
  select
    loads.*,
    case
      when current_loads.load_id is not null and landing_files.file is not null then 'loaded'
      when current_loads.load_id is not null then 'archived'
      when loads.is_latest and loads.error is not null and landing_files.file is not null then 'failed'
      else 'superseded'
    end as status,
    current_loads.load_id is not null as is_current,
    coalesce(duplicates.duplicate_count, 0) as duplicate_count,
    coalesce(waiting.waiting_count, 0) as waiting_count,
    coalesce(waiting.waiting_repaired_count, 0) as waiting_repaired_count
  from loads
  left join current_loads on loads.load_id = current_loads.load_id
  left join landing_files on loads.file = landing_files.file
  left join duplicates on loads.load_id = duplicates.load_id
  left join waiting on loads.load_id = waiting.load_id
),

read_files as (
  select
    feed,
    file,
    ingest_date,
    status,
    size_bytes,
    make_timestamp(modified_ns // 1000) as modified_at,
    case when is_current then records_read end as records_read,
    case when is_current then accepted_count - waiting_count - duplicate_count end as clean_count,
    case when is_current then duplicate_count end as duplicate_count,
    case when is_current then rejected_count + waiting_count end as quarantined_count,
    case when is_current then coalesce(forgotten_count, 0) end as forgotten_count,
    case when is_current then repaired_count - waiting_repaired_count end as repaired_count,
    loaded_at,
    error,
    load_id
  from judged
  where is_current or not is_repeated
),

unreadable_files as (
  select
    feed,
    file,
    ingest_date,
    'failed' as status,
    size_bytes,
    modified_at,
    cast(null as bigint) as records_read,
    cast(null as bigint) as clean_count,
    cast(null as bigint) as duplicate_count,
    cast(null as bigint) as quarantined_count,
    cast(null as bigint) as forgotten_count,
    cast(null as bigint) as repaired_count,
    cast(null as timestamp) as loaded_at,
    error,
    cast(null as integer) as load_id
  from landing_files
  where error is not null
),

file_loads as (
  select * from read_files
  union all
  select * from unreadable_files
)

select * from file_loads

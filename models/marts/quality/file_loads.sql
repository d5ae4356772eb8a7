{{ config(materialized='table') }}

with landing_files as (
  select * from {{ ref('stg_landing__files') }}
),

loads as (
  select
    *,
    row_number() over (partition by file order by load_id desc) = 1 as is_latest,
    row_number() over (partition by file, size_bytes, modified_ns order by load_id desc) > 1 as is_repeated,
    max(case when error is null then load_id end) over (
      partition by file order by load_id rows between unbounded preceding and 1 preceding
    ) as previous_load_id
  from state.loads
),

current_loads as (
  select load_id from state.current_loads
),

versions as (
  select
    load_id,
    records_read
  from state.loads
),

duplicates as (
  {%- for feed in feeds() %}
  select
    _load_id as load_id,
    count(*) as duplicate_count
  from {{ contested_records(feed) }}
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
    versions.records_read as previous_records_read,
    coalesce(duplicates.duplicate_count, 0) as duplicate_count,
    coalesce(waiting.waiting_count, 0) as waiting_count,
    coalesce(waiting.waiting_repaired_count, 0) as waiting_repaired_count
  from loads
  left join current_loads on loads.load_id = current_loads.load_id
  left join landing_files on loads.file = landing_files.file
  left join duplicates on loads.load_id = duplicates.load_id
  left join waiting on loads.load_id = waiting.load_id
  left join versions on loads.previous_load_id = versions.load_id
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
    case when error_detail is null then error else error || ' ' || error_detail end as error,
    error as public_error,
    content_hash,
    note,
    encoding,
    is_encoding_guessed,
    delimiter,
    header_kind,
    skipped_lines,
    date_order,
    is_date_order_assumed,
    decimal,
    previous_records_read,
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
    error as public_error,
    cast(null as varchar) as content_hash,
    cast(null as varchar) as note,
    cast(null as varchar) as encoding,
    false as is_encoding_guessed,
    cast(null as varchar) as delimiter,
    cast(null as varchar) as header_kind,
    cast(null as bigint) as skipped_lines,
    cast(null as varchar) as date_order,
    false as is_date_order_assumed,
    cast(null as varchar) as decimal,
    cast(null as bigint) as previous_records_read,
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

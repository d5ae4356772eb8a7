{{ config(materialized='table') }}

with listed as (
  {{ landing_files() | indent(2) }}
),

split as (
  select
    file,
    path,
    size_bytes,
    modified_ns,
    error as listing_error,
    make_timestamp(modified_ns // 1000) as modified_at,
    split_part(file, '/', 1) as feed,
    array_slice(string_split(file, '/'), 2, -2) as folders,
    split_part(file, '/', -1) as name
  from listed
),

dated as (
  select
    file,
    path,
    size_bytes,
    modified_ns,
    modified_at,
    feed,
    name,
    folders,
    listing_error,
    case
      when len(folders) = 0 then cast(modified_at as date)
      when regexp_full_match(folders[1], 'ingest_date=[0-9]{4}-[0-9]{2}-[0-9]{2}')
        then try_cast(substr(folders[1], 13) as date)
    end as ingest_date
  from split
),

landing_files as (
  select
    file,
    feed,
    ingest_date,
    path,
    size_bytes,
    modified_ns,
    modified_at,
    case
      when listing_error is not null then listing_error
      when not contains(file, '/')
        then 'The file lies outside every feed folder; move it to landing/<feed>/ingest_date=YYYY-MM-DD/'
      when feed not in ('{{ feeds() | join("', '") }}')
        then 'There is no feed ''' || feed || '''; the feeds are {{ feeds() | join(", ") }}'
      when ingest_date is null
        then 'The folder ''' || folders[1] || ''' names no date; it must read ingest_date=YYYY-MM-DD'
      when len(folders) > 2 or (len(folders) = 2 and regexp_full_match(folders[2], 'hour=([01][0-9]|2[0-3])') is not true)
        then 'The folder ''' || folders[2] || ''' is not hour=00 to hour=23; only that may stand below ingest_date='
      when not (name like '%.csv' or name like '%.csv.gz')
        then 'The name ''' || name || ''' ends neither in .csv nor in .csv.gz'
    end as error
  from dated
)

select * from landing_files

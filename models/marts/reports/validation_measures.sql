{{ config(materialized='view') }}

with metrics as (
  select * from {{ ref('daily_metrics') }}
),

summary as (
  select * from {{ ref('quarantine_summary') }}
),

nulls as (
  select * from {{ ref('int_nulls_counted') }}
),

loads as (
  select
    load_id,
    ingest_date
  from state.current_loads
),

repairs as (
  {%- for feed in feeds() %}
  {%- set reference = entity(feed).reference %}
  {%- set waiting = waiting_records(feed) %}
  select
    '{{ feed }}' as feed,
    _load_id,
    unnest(_repaired_columns) as column_name
  from {{ ref('stg_landing__' ~ feed) }}
  where
    _repaired_columns is not null
    and _reject_reasons is null
    {%- if reference %}
    and {{ reference.column }} not in (select {{ reference.column }} from {{ waiting }})
    {%- endif %}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

repaired as (
  select
    loads.ingest_date,
    repairs.feed,
    repairs.column_name,
    count(*) as repaired_count
  from repairs
  inner join loads on repairs._load_id = loads.load_id
  group by loads.ingest_date, repairs.feed, repairs.column_name
),

columns_of_feeds as (
  {%- for feed in feeds() %}
  {%- set outer_loop = loop %}
  {%- for column in entity(feed).columns %}
  select
    '{{ feed }}' as feed,
    '{{ column }}' as column_name
  {{ 'union all' if not (loop.last and outer_loop.last) }}
  {%- endfor %}
  {%- endfor %}
),

validation_measures as (
  {%- for measure, column in [
    ('records_read', 'records_read'), ('clean', 'clean_count'), ('duplicates', 'duplicate_count'),
    ('quarantined', 'quarantined_count'), ('repaired', 'repaired_count'),
  ] %}
  select
    ingest_date,
    feed,
    '{{ measure }}' as measure,
    cast(null as varchar) as item,
    cast({{ column }} as double) as value
  from metrics
  union all
  {%- endfor %}
  select
    ingest_date,
    feed,
    'quarantined_by_reason' as measure,
    reject_reason as item,
    cast(record_count as double) as value
  from summary
  union all
  select
    ingest_date,
    feed,
    'repaired_by_column' as measure,
    column_name as item,
    cast(repaired_count as double) as value
  from repaired
  union all
  select
    metrics.ingest_date,
    metrics.feed,
    'null_rates' as measure,
    columns_of_feeds.column_name as item,
    coalesce(nulls.null_count, 0) / nullif(metrics.clean_count, 0) as value
  from metrics
  inner join columns_of_feeds on metrics.feed = columns_of_feeds.feed
  left join nulls
    on
      metrics.ingest_date = nulls.ingest_date
      and metrics.feed = nulls.feed
      and columns_of_feeds.column_name = nulls.column_name
)

select * from validation_measures

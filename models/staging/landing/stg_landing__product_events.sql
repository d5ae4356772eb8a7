{{ config(materialized='records', meta={'feed': 'product_events'}) }}

{%- set fields = ['event_id', 'customer_id', 'event_type', 'event_time', 'platform', 'session_id', 'duration_ms'] %}

with records as (
  select * from {{ landing_records(source('landing', 'product_events')) }}
),

cleaned as (
  select
    *,
    {{ clean_value('"event_id"', 'product_events') }} as clean_event_id,
    {{ clean_value('"customer_id"', 'product_events') }} as clean_customer_id,
    {{ clean_text('"event_type"', 'lower') }} as clean_event_type,
    {{ clean_value('"event_time"', 'product_events') }} as clean_event_time,
    {{ clean_text('"platform"', 'lower') }} as clean_platform,
    {{ clean_value('"session_id"', 'product_events') }} as clean_session_id,
    {{ clean_value('"duration_ms"', 'product_events') }} as clean_duration_ms
  from records
),

parsed as (
  select
    *,
    {{ parse_timestamp('clean_event_time', 'product_events.event_time') }} as event_at,
    {{ parse_number('clean_duration_ms') }} as typed_duration_ms,
    {{ value_forms(instants=[('clean_event_time', 'product_events.event_time')]) }} as _forms
  from cleaned
),

typed as (
  select
    *,
    event_at is null and {{ has_unknown_order('_forms', 'product_events.event_time') }} as has_ambiguous_event_time
  from parsed
),

judged as (
  select
    *,
    {{ reasons([
      ('missing_event_id', 'clean_event_id is null'),
      ('missing_event_time', 'clean_event_time is null'),
      ('ambiguous_timestamp', 'has_ambiguous_event_time'),
      ('invalid_event_time', 'clean_event_time is not null and event_at is null and not has_ambiguous_event_time'),
      ('missing_customer_id', 'clean_customer_id is null'),
      ('invalid_duration_ms', "clean_duration_ms is not null and (typed_duration_ms between 0 and " ~ var('max_duration_ms') ~ ") is not true"),
    ], fault='_fault') }} as _reject_reasons,
    cast(null as varchar[]) as _repaired_columns
  from typed
),

stg_landing__product_events as (
  select
    _load_id,
    {{ key_hash(['clean_event_id']) }} as _key_hash,
    clean_event_id as event_id,
    clean_customer_id as customer_id,
    clean_event_type as event_type,
    event_at,
    clean_platform as platform,
    clean_session_id as session_id,
    typed_duration_ms as duration_ms,
    _forms,
    _extra,
    _line,
    _reject_reasons,
    _repaired_columns,
    coalesce(_raw_text, {{ raw_record(fields) }}) as _raw_record,
    case when _is_tied then {{ record_md5(fields) }} end as _tie_break
  from judged
)

select * from stg_landing__product_events

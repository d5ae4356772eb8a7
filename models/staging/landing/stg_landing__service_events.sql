{{ config(materialized='records', meta={'feed': 'service_events'}) }}

{%- set fields = ['event_id', 'service', 'event_type', 'timestamp', 'latency_ms', 'status_code', 'user_id', 'schema_version'] %}

with records as (
  select * from {{ landing_records(source('landing', 'service_events')) }}
),

cleaned as (
  select
    *,
    {{ clean_value('"event_id"', 'service_events') }} as clean_event_id,
    {{ clean_text('"service"', 'lower') }} as clean_service,
    {{ clean_text('"event_type"', 'lower') }} as clean_event_type,
    {{ clean_value('"timestamp"', 'service_events') }} as clean_timestamp,
    {{ clean_value('"latency_ms"', 'service_events') }} as clean_latency_ms,
    {{ clean_value('"status_code"', 'service_events') }} as clean_status_code,
    {{ clean_value('"user_id"', 'service_events') }} as clean_user_id
  from records
),

parsed as (
  select
    *,
    {{ parse_timestamp('clean_timestamp', 'service_events.timestamp') }} as event_at,
    {{ parse_number('clean_latency_ms') }} as number_latency_ms,
    {{ parse_integer('clean_status_code') }} as number_status_code,
    {{ value_forms(instants=[('clean_timestamp', 'service_events.timestamp')]) }} as _forms
  from cleaned
),

typed as (
  select
    *,
    event_at is null and {{ has_unknown_order('_forms', 'service_events.timestamp') }} as has_ambiguous_timestamp,
    case when number_latency_ms >= 0 then number_latency_ms end as typed_latency_ms,
    cast(case when number_status_code between 100 and 599 then number_status_code end as smallint) as typed_status_code
  from parsed
),

judged as (
  select
    *,
    {{ reasons([
      ('missing_event_id', 'clean_event_id is null'),
      ('missing_service', 'clean_service is null'),
      ('missing_event_type', 'clean_event_type is null'),
      ('missing_timestamp', 'clean_timestamp is null'),
      ('ambiguous_timestamp', 'has_ambiguous_timestamp'),
      ('invalid_timestamp', 'clean_timestamp is not null and event_at is null and not has_ambiguous_timestamp'),
    ], fault='_fault') }} as _reject_reasons,
    {{ reasons([
      ('latency_ms', 'clean_latency_ms is not null and typed_latency_ms is null'),
      ('status_code', 'clean_status_code is not null and typed_status_code is null'),
    ]) }} as _repaired_columns
  from typed
),

stg_landing__service_events as (
  select
    _load_id,
    {{ key_hash(['clean_event_id']) }} as _key_hash,
    clean_event_id as event_id,
    clean_service as service,
    clean_event_type as event_type,
    event_at,
    clean_timestamp as event_at_raw,
    typed_latency_ms as latency_ms,
    typed_status_code as status_code,
    clean_user_id as user_id,
    _forms,
    _extra,
    _line,
    _reject_reasons,
    _repaired_columns,
    case when _reject_reasons is not null then coalesce(_raw_text, {{ raw_record(fields) }}) end as _raw_record,
    case when _is_tied then {{ record_md5(fields) }} end as _tie_break
  from judged
)

select * from stg_landing__service_events

{{ config(materialized='records', meta={'feed': 'tenant_events'}) }}

{%- set fields = ['event_id', 'tenant_id', 'source', 'event_type', 'timestamp', 'schema_version', 'payload'] %}

with records as (
  select * from {{ landing_records(source('landing', 'tenant_events')) }}
),

cleaned as (
  select
    *,
    {{ clean_value('"event_id"', 'tenant_events') }} as clean_event_id,
    {{ clean_value('"tenant_id"', 'tenant_events') }} as clean_tenant_id,
    {{ clean_text('"source"', 'lower') }} as clean_source,
    {{ clean_text('"event_type"', 'lower') }} as clean_event_type,
    {{ clean_value('"timestamp"', 'tenant_events') }} as clean_timestamp,
    {{ clean_value('"schema_version"', 'tenant_events') }} as clean_schema_version,
    {{ clean_text('"payload"') }} as clean_payload
  from records
),

parsed as (
  select
    *,
    {{ parse_timestamp('clean_timestamp', 'tenant_events.timestamp') }} as event_at,
    {{ parse_integer('clean_schema_version') }} as number_schema_version,
    {{ typed_tenant_id('clean_tenant_id') }} as typed_tenant_id,
    {{ value_forms(instants=[('clean_timestamp', 'tenant_events.timestamp')]) }} as _forms
  from cleaned
),

typed as (
  select
    *,
    event_at is null and {{ has_unknown_order('_forms', 'tenant_events.timestamp') }} as has_ambiguous_timestamp
  from parsed
),

judged as (
  select
    *,
    {{ reasons([
      ('missing_event_id', 'clean_event_id is null'),
      ('missing_tenant_id', 'clean_tenant_id is null'),
      ('invalid_tenant_id', 'clean_tenant_id is not null and typed_tenant_id is null'),
      ('missing_source', 'clean_source is null'),
      ('missing_event_type', 'clean_event_type is null'),
      ('missing_timestamp', 'clean_timestamp is null'),
      ('ambiguous_timestamp', 'has_ambiguous_timestamp'),
      ('invalid_timestamp', 'clean_timestamp is not null and event_at is null and not has_ambiguous_timestamp'),
      ('invalid_payload', "clean_payload is not null and not " ~ is_json_object('clean_payload')),
      ('payload_too_large', byte_length('clean_payload') ~ " > 65536"),
    ], fault='_fault') }} as _reject_reasons,
    {{ reasons([
      ('schema_version', 'clean_schema_version is not null and (number_schema_version >= 1) is not true'),
    ]) }} as _repaired_columns
  from typed
),

stg_landing__tenant_events as (
  select
    _load_id,
    {{ key_hash(['typed_tenant_id', 'clean_event_id']) }} as _key_hash,
    clean_event_id as event_id,
    typed_tenant_id as tenant_id,
    clean_source as source,
    clean_event_type as event_type,
    event_at,
    case when number_schema_version >= 1 then number_schema_version else 1 end as schema_version,
    clean_payload as payload,
    _forms,
    _extra,
    _line,
    _reject_reasons,
    _repaired_columns,
    case when _reject_reasons is not null then coalesce(_raw_text, {{ raw_record(fields) }}) end as _raw_record,
    case when _is_tied then {{ record_md5(fields) }} end as _tie_break
  from judged
)

select * from stg_landing__tenant_events

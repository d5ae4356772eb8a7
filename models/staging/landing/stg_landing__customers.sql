{{ config(materialized='records', meta={'feed': 'customers'}) }}

{%- set fields = ['customer_id', 'email', 'country', 'created_at'] %}

with records as (
  select * from {{ landing_records(source('landing', 'customers')) }}
),

cleaned as (
  select
    *,
    {{ clean_value('"customer_id"', 'customers') }} as clean_customer_id,
    {{ clean_text('"email"', 'lower') }} as clean_email,
    {{ clean_text('"country"') }} as clean_country,
    {{ clean_value('"created_at"', 'customers') }} as clean_created_at
  from records
),

parsed as (
  select
    *,
    {{ parse_timestamp('clean_created_at', 'customers.created_at') }} as typed_created_at,
    case when {{ is_email('clean_email') }} then clean_email end as typed_email,
    {{ value_forms(instants=[('clean_created_at', 'customers.created_at')]) }} as _forms
  from cleaned
),

judged as (
  select
    *,
    {{ reasons([
      ('missing_customer_id', 'clean_customer_id is null'),
    ], fault='_fault') }} as _reject_reasons,
    {{ reasons([
      ('email', 'clean_email is not null and typed_email is null'),
      ('created_at', 'clean_created_at is not null and typed_created_at is null'),
    ]) }} as _repaired_columns
  from parsed
),

stg_landing__customers as (
  select
    _load_id,
    {{ key_hash(['clean_customer_id']) }} as _key_hash,
    clean_customer_id as customer_id,
    typed_email as email,
    clean_country as country,
    typed_created_at as created_at,
    _forms,
    _extra,
    _line,
    _reject_reasons,
    _repaired_columns,
    case when _reject_reasons is not null then coalesce(_raw_text, {{ raw_record(fields) }}) end as _raw_record,
    case when _is_tied then {{ record_md5(fields) }} end as _tie_break
  from judged
)

select * from stg_landing__customers

{{ config(materialized='records', meta={'feed': 'transactions'}) }}

{%- set fields = ['id', 'description', 'amount', 'timestamp', 'merchant', 'operation_type', 'side'] %}

with records as (
  select * from {{ landing_records(source('landing', 'transactions')) }}
),

cleaned as (
  select
    *,
    {{ clean_value('"id"', 'transactions') }} as clean_id,
    {{ clean_text('"description"') }} as clean_description,
    {{ clean_value('"amount"', 'transactions') }} as clean_amount,
    {{ clean_value('"timestamp"', 'transactions') }} as clean_timestamp,
    {{ clean_text('"merchant"') }} as clean_merchant,
    {{ clean_text('"operation_type"', 'lower') }} as clean_operation_type,
    {{ clean_text('"side"', 'lower') }} as clean_side
  from records
),

parsed as (
  select
    *,
    {{ parse_timestamp('clean_timestamp', 'transactions.timestamp') }} as transacted_at,
    {{ parse_amount('clean_amount', 'transactions.amount') }} as typed_amount,
    {{ value_forms(instants=[('clean_timestamp', 'transactions.timestamp')], amounts=[('clean_amount', 'transactions.amount')]) }} as _forms
  from cleaned
),

typed as (
  select
    *,
    transacted_at is null and {{ has_unknown_order('_forms', 'transactions.timestamp') }} as has_ambiguous_timestamp
  from parsed
),

judged as (
  select
    *,
    {{ reasons([
      ('missing_id', 'clean_id is null'),
      ('missing_timestamp', 'clean_timestamp is null'),
      ('ambiguous_timestamp', 'has_ambiguous_timestamp'),
      ('invalid_timestamp', 'clean_timestamp is not null and transacted_at is null and not has_ambiguous_timestamp'),
      ('missing_amount', 'clean_amount is null'),
      ('invalid_amount', 'clean_amount is not null and typed_amount is null'),
      ('negative_amount', 'typed_amount < 0'),
      ('missing_side', 'clean_side is null'),
      ('invalid_side', "clean_side is not null and clean_side not in ('credit', 'debit')"),
    ], fault='_fault') }} as _reject_reasons,
    cast(null as varchar[]) as _repaired_columns
  from typed
),

stg_landing__transactions as (
  select
    _load_id,
    {{ key_hash(['clean_id']) }} as _key_hash,
    clean_id as id,
    clean_description as description,
    typed_amount as amount,
    transacted_at,
    clean_merchant as merchant,
    clean_operation_type as operation_type,
    clean_side as side,
    _forms,
    _extra,
    _line,
    _reject_reasons,
    _repaired_columns,
    case when _reject_reasons is not null then coalesce(_raw_text, {{ raw_record(fields) }}) end as _raw_record,
    case when _is_tied then {{ record_md5(fields) }} end as _tie_break
  from judged
)

select * from stg_landing__transactions

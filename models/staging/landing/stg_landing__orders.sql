{{ config(materialized='records', meta={'feed': 'orders'}) }}

{%- set fields = ['order_id', 'customer_id', 'order_time', 'amount', 'currency', 'status'] %}

with records as (
  select * from {{ landing_records(source('landing', 'orders')) }}
),

cleaned as (
  select
    *,
    {{ clean_value('"order_id"', 'orders') }} as clean_order_id,
    {{ clean_value('"customer_id"', 'orders') }} as clean_customer_id,
    {{ clean_value('"order_time"', 'orders') }} as clean_order_time,
    {{ clean_value('"amount"', 'orders') }} as clean_amount,
    {{ clean_text('"currency"', 'upper') }} as clean_currency,
    {{ clean_text('"status"', 'lower') }} as clean_status
  from records
),

parsed as (
  select
    *,
    {{ parse_timestamp('clean_order_time', 'orders.order_time') }} as ordered_at,
    {{ parse_amount('clean_amount', 'orders.amount') }} as typed_amount,
    case when {{ is_currency('clean_currency') }} then clean_currency end as typed_currency,
    {{ value_forms(instants=[('clean_order_time', 'orders.order_time')], amounts=[('clean_amount', 'orders.amount')]) }} as _forms
  from cleaned
),

typed as (
  select
    *,
    ordered_at is null and {{ has_unknown_order('_forms', 'orders.order_time') }} as has_ambiguous_order_time,
    list_contains({{ seed_values(ref('order_statuses'), 'status') }}, clean_status) as is_known_status,
    list_contains({{ seed_values(ref('order_statuses'), 'status', 'needs_positive_amount') }}, clean_status) as needs_positive_amount
  from parsed
),

judged as (
  select
    *,
    {{ reasons([
      ('missing_order_id', 'clean_order_id is null'),
      ('missing_order_time', 'clean_order_time is null'),
      ('ambiguous_timestamp', 'has_ambiguous_order_time'),
      ('invalid_order_time', 'clean_order_time is not null and ordered_at is null and not has_ambiguous_order_time'),
      ('missing_customer_id', 'clean_customer_id is null'),
      ('missing_amount', 'clean_amount is null'),
      ('invalid_amount', 'clean_amount is not null and typed_amount is null'),
      ('negative_amount', 'typed_amount < 0'),
      ('non_positive_amount_for_status', 'needs_positive_amount and typed_amount <= 0'),
      ('missing_status', 'clean_status is null'),
      ('unknown_status', 'clean_status is not null and not is_known_status'),
    ], fault='_fault') }} as _reject_reasons,
    {{ reasons([
      ('currency', 'clean_currency is not null and typed_currency is null'),
    ]) }} as _repaired_columns
  from typed
),

stg_landing__orders as (
  select
    _load_id,
    {{ key_hash(['clean_order_id']) }} as _key_hash,
    clean_order_id as order_id,
    clean_customer_id as customer_id,
    ordered_at,
    typed_amount as amount,
    typed_currency as currency,
    clean_status as status,
    _forms,
    _extra,
    _line,
    _reject_reasons,
    _repaired_columns,
    coalesce(_raw_text, {{ raw_record(fields) }}) as _raw_record,
    case when _is_tied then {{ record_md5(fields) }} end as _tie_break
  from judged
)

select * from stg_landing__orders

-- The shop by hand; see shop_by_hand.py, which runs it step by step. It reads the forms of values that the benchmark's own files have.
-- step: macros
create or replace macro cleaned(value) as nullif(trim(value, e' \t\r\n' || chr(11) || chr(12) || chr(160)), '');
create or replace macro in_range(value) as case
  when value >= timestamp '1980-01-01' and value < timestamp '2100-01-01' then value
end;
create or replace macro instant(value) as in_range(case
  when regexp_full_match(value, '\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)?)?')
    then try_cast(case when length(value) > 26 then value[:26] else value end as timestamp)
  when regexp_full_match(value, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)? ?(Z|UTC|GMT)')
    then try_cast(regexp_replace(value, ' ?(Z|UTC|GMT)$', '') as timestamp)
  when regexp_full_match(value, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)? ?[+-]\d{2}(:?\d{2})?')
    then case when abs(try_cast(regexp_extract(value, '([+-]\d{2})(:?\d{2})?$', 1) as integer)) <= 14 then
      try_cast(regexp_replace(value, ' ?([+-]\d{2}):?(\d{2})?$', '\1:\2') || case when regexp_full_match(value, '.*[+-]\d{2}') then '00' else '' end as timestamptz) at time zone 'UTC' end
  when regexp_full_match(value, '\d{8}T\d{6}Z?') then try_strptime(value[:15], '%Y%m%dT%H%M%S')
  when regexp_full_match(value, '\d{2}([/.])\d{2}([/.])\d{4}( \d{2}:\d{2}(:\d{2})?)?')
    then try_strptime(replace(value, '.', '/'), ['%d/%m/%Y %H:%M:%S', '%d/%m/%Y %H:%M', '%d/%m/%Y'])
  when regexp_full_match(value, '\d{9,10}([.]\d+)?') then make_timestamp(cast(trunc(cast(value as decimal(38, 9)) * 1000000) as bigint))
  when regexp_full_match(value, '\d{12,13}') then make_timestamp(cast(value as bigint) * 1000)
  when regexp_full_match(value, '\d{15,16}') then make_timestamp(cast(value as bigint))
  when regexp_full_match(value, '\d{18,19}') then make_timestamp(cast(cast(value as hugeint) // 1000 as bigint))
  when regexp_full_match(value, '([A-Z][a-z]{2}, )?\d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} (GMT|UTC|[+-]\d{4})')
    then try_strptime(regexp_replace(regexp_replace(value, '^[A-Z][a-z]{2}, ', ''), '(GMT|UTC)$', '+0000'), '%d %b %Y %H:%M:%S %z') at time zone 'UTC'
  when regexp_full_match(value, '\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}')
    then try_strptime(value, '%d/%b/%Y:%H:%M:%S %z') at time zone 'UTC'
end);
create or replace macro amount_of(value) as case
  when regexp_full_match(value, '[+-]?(\d{1,14}([.]\d+)?|[.]\d+)([eE][+-]?\d{1,3})?') then try_cast(value as decimal(18, 4))
  when regexp_full_match(value, '[+-]?\d{1,3}(,\d{3}){1,4}([.]\d+)?') then try_cast(replace(value, ',', '') as decimal(18, 4))
end;
create or replace macro number_of(value) as case
  when regexp_full_match(value, '[+-]?(\d+([.]\d*)?|[.]\d+)([eE][+-]?\d+)?') then try_cast(value as double)
end;
create or replace macro reasons(list_of) as nullif(list_filter(list_of, lambda reason: reason is not null), []);

-- step: customers
create table staged_customers as
select
  cleaned(customer_id) as customer_id, lower(cleaned(email)) as raw_email, cleaned(country) as country,
  cleaned(created_at) as raw_created_at, instant(cleaned(created_at)) as created_at, ingest_date, filename,
  case when regexp_full_match(lower(cleaned(email)), '[^@\s]+@[^@\s]+[.][^@\s]+') then lower(cleaned(email)) end as email,
  reasons([case when cleaned(customer_id) is null then 'missing_customer_id' end]) as reject_reasons
from read_csv(getvariable('landing') || '/customers/**/*.csv*', all_varchar = true, union_by_name = true, hive_partitioning = true, hive_types = {'ingest_date': date}, filename = true, auto_detect = true, header = true, quote = '"', escape = '"', sample_size = -1);
create table customers as
select * exclude (reject_reasons) from staged_customers where reject_reasons is null
qualify row_number() over (partition by customer_id order by email is not null desc, created_at is not null desc, created_at desc nulls last, filename, md5(concat_ws(chr(31), customer_id, coalesce(raw_email, chr(0)), coalesce(country, chr(0)), coalesce(raw_created_at, chr(0))))) = 1;

-- step: product events
create table staged_product_events as
with cleaned_records as (
  select
    cleaned(event_id) as event_id, cleaned(customer_id) as customer_id, lower(cleaned(event_type)) as event_type,
    cleaned(event_time) as raw_event_time, lower(cleaned(platform)) as platform, cleaned(session_id) as session_id,
    cleaned(duration_ms) as raw_duration_ms, ingest_date, filename
  from read_csv(getvariable('landing') || '/product_events/**/*.csv*', all_varchar = true, union_by_name = true, hive_partitioning = true, hive_types = {'ingest_date': date}, filename = true, auto_detect = true, header = true, quote = '"', escape = '"', sample_size = -1)
), typed as (
  select *, instant(raw_event_time) as event_at, number_of(raw_duration_ms) as duration_ms from cleaned_records
)
select *, reasons([
  case when event_id is null then 'missing_event_id' end,
  case when raw_event_time is null then 'missing_event_time' when event_at is null then 'invalid_event_time' end,
  case when customer_id is null then 'missing_customer_id' when customer_id not in (select customer_id from customers) then 'unknown_customer_id' end,
  case when raw_duration_ms is not null and (duration_ms between 0 and 86400000) is not true then 'invalid_duration_ms' end
]) as reject_reasons
from typed;
create table product_events as
select * exclude (reject_reasons) from staged_product_events where reject_reasons is null
qualify row_number() over (partition by event_id order by event_type is not null desc, platform is not null desc, session_id is not null desc, duration_ms is not null desc, event_at desc, filename, md5(concat_ws(chr(31), event_id, customer_id, coalesce(event_type, chr(0)), raw_event_time, coalesce(platform, chr(0)), coalesce(session_id, chr(0)), coalesce(raw_duration_ms, chr(0))))) = 1;

-- step: orders
create table staged_orders as
with cleaned_records as (
  select
    cleaned(order_id) as order_id, cleaned(customer_id) as customer_id, cleaned(order_time) as raw_order_time,
    cleaned(amount) as raw_amount, upper(cleaned(currency)) as raw_currency, lower(cleaned(status)) as status, ingest_date, filename
  from read_csv(getvariable('landing') || '/orders/**/*.csv*', all_varchar = true, union_by_name = true, hive_partitioning = true, hive_types = {'ingest_date': date}, filename = true, auto_detect = true, header = true, quote = '"', escape = '"', sample_size = -1)
), typed as (
  select
    *, instant(raw_order_time) as ordered_at, amount_of(raw_amount) as amount,
    case when regexp_full_match(raw_currency, '[A-Z]{3}') then raw_currency end as currency
  from cleaned_records
)
select *, reasons([
  case when order_id is null then 'missing_order_id' end,
  case when raw_order_time is null then 'missing_order_time' when ordered_at is null then 'invalid_order_time' end,
  case when customer_id is null then 'missing_customer_id' when customer_id not in (select customer_id from customers) then 'unknown_customer_id' end,
  case when raw_amount is null then 'missing_amount' when amount is null then 'invalid_amount' when amount < 0 then 'negative_amount' end,
  case when amount <= 0 and status in ('paid', 'refunded', 'chargeback') then 'non_positive_amount_for_status' end,
  case when status is null then 'missing_status' when status not in ('paid', 'refunded', 'chargeback', 'failed', 'pending', 'cancelled') then 'unknown_status' end
]) as reject_reasons
from typed;
create table orders as
select * exclude (reject_reasons) from staged_orders where reject_reasons is null
qualify row_number() over (partition by order_id order by currency is not null desc, ordered_at desc, filename, md5(concat_ws(chr(31), order_id, customer_id, raw_order_time, raw_amount, coalesce(raw_currency, chr(0)), status))) = 1;

-- step: quarantine
create table quarantine as
select 'customers' as feed, filename, ingest_date, reject_reasons, to_json(records) as raw_record from staged_customers as records where reject_reasons is not null
union all
select 'product_events', filename, ingest_date, reject_reasons, to_json(records) from staged_product_events as records where reject_reasons is not null
union all
select 'orders', filename, ingest_date, reject_reasons, to_json(records) from staged_orders as records where reject_reasons is not null;

-- step: metrics
create table daily_metrics as
with staged as (
  select 'customers' as feed, ingest_date, count(*) as records_read, count(reject_reasons) as quarantined_count from staged_customers group by ingest_date
  union all
  select 'product_events', ingest_date, count(*), count(reject_reasons) from staged_product_events group by ingest_date
  union all
  select 'orders', ingest_date, count(*), count(reject_reasons) from staged_orders group by ingest_date
), clean as (
  select 'customers' as feed, ingest_date, count(*) as clean_count, null as p50, null as p95 from customers group by ingest_date
  union all
  select 'product_events', ingest_date, count(*), quantile_cont(duration_ms, 0.5), quantile_cont(duration_ms, 0.95) from product_events group by ingest_date
  union all
  select 'orders', ingest_date, count(*), null, null from orders group by ingest_date
)
select
  ingest_date, feed, records_read, coalesce(clean_count, 0) as clean_count,
  records_read - quarantined_count - coalesce(clean_count, 0) as duplicate_count, quarantined_count,
  p50 as p50_duration_ms, p95 as p95_duration_ms
from staged left join clean using (feed, ingest_date);
create table daily_order_totals as
select ingest_date, currency, status, count(*) as order_count, sum(amount) as amount from orders group by all;
create table hourly_events as
select 'orders' as feed, cast(ordered_at as date) as event_date, hour(ordered_at) as hour, count(*) as event_count from orders group by all
union all
select 'product_events', cast(event_at as date), hour(event_at), count(*) from product_events group by all;

-- step: parquet
copy (select customer_id, sha256('key' || chr(31) || email) as email_key, country, created_at, ingest_date from customers) to '$output/customers' (format parquet, compression zstd, partition_by (ingest_date));
copy (select event_id, customer_id, event_type, event_at, platform, session_id, duration_ms, ingest_date from product_events) to '$output/product_events' (format parquet, compression zstd, partition_by (ingest_date));
copy (select order_id, customer_id, ordered_at, amount, currency, status, ingest_date from orders) to '$output/orders' (format parquet, compression zstd, partition_by (ingest_date));
copy (select *, reject_reasons[1] as reject_reason from quarantine) to '$output/quarantine' (format parquet, compression zstd, partition_by (feed, ingest_date));
copy daily_metrics to '$output/daily_metrics.parquet' (format parquet, compression zstd);
copy daily_order_totals to '$output/daily_order_totals.parquet' (format parquet, compression zstd);
copy hourly_events to '$output/hourly_events.parquet' (format parquet, compression zstd);

-- step: sqlite
create table customers (customer_id text, email_key text, country text, created_at text);
create table product_events (event_id text, customer_id text, event_type text, event_at text, platform text, session_id text, duration_ms real, ingest_date text);
create table orders (order_id text, customer_id text, ordered_at text, amount real, currency text, status text, ingest_date text);
create table quarantine (feed text, file text, ingest_date text, reject_reasons text, raw_record text);
create table daily_metrics (ingest_date text, feed text, records_read integer, clean_count integer, duplicate_count integer, quarantined_count integer, p50_duration_ms real, p95_duration_ms real);
create table daily_order_totals (ingest_date text, currency text, status text, order_count integer, amount real);
create table hourly_events (feed text, event_date text, hour integer, event_count integer);
customers: select customer_id, sha256('key' || chr(31) || email) as email_key, country, strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ') as created_at from customers order by 1;
product_events: select event_id, customer_id, event_type, strftime(event_at, '%Y-%m-%dT%H:%M:%S.%fZ') as event_at, platform, session_id, duration_ms, cast(ingest_date as varchar) as ingest_date from product_events order by 1;
orders: select order_id, customer_id, strftime(ordered_at, '%Y-%m-%dT%H:%M:%S.%fZ') as ordered_at, cast(amount as double) as amount, currency, status, cast(ingest_date as varchar) as ingest_date from orders order by 1;
quarantine: select feed, filename as file, cast(ingest_date as varchar) as ingest_date, cast(to_json(reject_reasons) as varchar) as reject_reasons, cast(raw_record as varchar) as raw_record from quarantine;
daily_metrics: select cast(ingest_date as varchar) as ingest_date, * exclude (ingest_date) from daily_metrics;
daily_order_totals: select cast(ingest_date as varchar) as ingest_date, currency, status, order_count, cast(amount as double) as amount from daily_order_totals;
hourly_events: select feed, cast(event_date as varchar) as event_date, hour, event_count from hourly_events;
create unique index customers_key on customers (customer_id);
create unique index product_events_key on product_events (event_id);
create unique index orders_key on orders (order_id);

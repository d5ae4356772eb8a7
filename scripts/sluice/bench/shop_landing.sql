-- One day of the shop, clean CSV with times of several shapes; see shop.py, which fills in $day, $number, $records
-- (of the day, over the three feeds), $customers (how many there are in all) and $landing.
-- Two in a hundred customers that orders and product events name are in no file.
-- file: customers
select
  case when hash(i) % 200 = 0 then '' else 'c' || ((i + $number * ($records // 10)) % $customers) end as customer_id,
  case when hash(i) % 30 = 0 then 'broken' else 'u' || ((i + $number * ($records // 10)) % $customers) || '@shop.example' end as email,
  case hash(i) % 4 when 0 then 'DE' when 1 then ' FR ' else 'NL' end as country,
  instant_text(timestamp '$day', i) as created_at
from range($records // 10) as numbers(i)
-- file: product_events
select
  case when hash(i) % 40 = 0 then 'p' || (hash(i) % 5000) else 'p$number-' || i end as event_id,
  'c' || (hash(i + $number) % ($customers * 51 // 50)) as customer_id,
  case hash(i) % 3 when 0 then 'View' when 1 then 'click' else 'buy' end as event_type,
  instant_text(timestamp '$day', i) as event_time,
  case when hash(i) % 7 = 0 then '' else 'web' end as platform,
  's' || (hash(i) % 1000) as session_id,
  case when hash(i) % 100 = 0 then 'x' when hash(i) % 9 = 0 then '' else cast(hash(i) % 100000 as varchar) end as duration_ms
from range($records * 6 // 10) as numbers(i)
-- file: orders
select
  case when hash(i) % 40 = 0 then 'o' || (hash(i) % 5000) else 'o$number-' || i end as order_id,
  'c' || (hash(i + $number) % ($customers * 51 // 50)) as customer_id,
  instant_text(timestamp '$day', i) as order_time,
  case hash(i) % 90 when 0 then '-5' when 1 then '1234,50' when 2 then '1,234.50' when 3 then '0'
    else cast(cast((hash(i) % 100000) / 100 as decimal(18, 2)) as varchar) end as amount,
  case when hash(i) % 60 = 0 then 'EURO' else 'eur' end as currency,
  case hash(i) % 5 when 0 then 'failed' when 1 then 'Refunded' else 'paid' end as status
from range($records * 3 // 10) as numbers(i)

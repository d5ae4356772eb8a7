-- The alerts of the feeds that are not held back, newest first: the id, which stays the same for the same alert, and the alert
-- as JSON. $held: the feeds that are held back.
with standing as (
  select
    md5(concat_ws(chr(31), cast(ingest_date as varchar), alert, feed, coalesce(file, ''))) as id,
    *
  from alerts
  where not list_contains($held, feed)
)

select
  id,
  cast(to_json(standing) as varchar) as body
from standing
order by ingest_date desc, id asc

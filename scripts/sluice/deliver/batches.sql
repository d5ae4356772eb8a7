-- The changes of each log after which every row is logged.
with rebuilt as (
  select
    feed,
    greatest(
      coalesce(max(batch_id) filter (where is_full), 0),
      coalesce((select max(forgotten.batch_id) from state.forgotten where forgotten.feed = batches.feed), 0)
    ) as batch_id
  from state.batches
  group by feed
)

select
  batches.feed,
  batches.batch_id,
  batches.identity
from state.batches
inner join rebuilt on batches.feed = rebuilt.feed
where batches.batch_id >= rebuilt.batch_id
order by batches.feed, batches.batch_id

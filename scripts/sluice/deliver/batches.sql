-- The changes of each log after which every row is logged.
with made_anew as (
  select
    feed,
    batch_id
  from state.batches
  where is_full
  union all
  select
    feed,
    batch_id
  from state.forgotten
),

complete as (
  select
    feed,
    max(batch_id) as since
  from made_anew
  group by feed
)

select
  batches.feed,
  batches.batch_id,
  batches.identity
from state.batches
left join complete on batches.feed = complete.feed
where batches.batch_id >= coalesce(complete.since, 0)
order by batches.feed, batches.batch_id

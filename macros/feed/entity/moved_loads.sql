{#-
  The loads that became current, or are no longer, since somebody last looked.

  Args:
    feed (string): the feed.
    reflected (string): table of `state` with the loads that were current then: 'applied' for the feed's entity, 'judged'
      for the records that wait.
  Returns: a SQL query with the columns load_id and sign: +1 came, -1 went.
-#}
{% macro moved_loads(feed, reflected='applied') -%}
with applied as (
  select load_id from state.{{ reflected }} where feed = '{{ feed }}'
),

current_loads as (
  select load_id from state.current_loads where feed = '{{ feed }}'
)

select load_id, 1 as sign from current_loads where load_id not in (select load_id from applied)
union all
select load_id, -1 as sign from applied where load_id not in (select load_id from current_loads)
{%- endmacro %}

{#-
  What a feed refers to and became known, or unknown, since a model last looked.

  Args:
    feed (string): the feed, which declares a reference.
    model_name (string): the model, which notes what it took in of the entity that the feed refers to (note_consumed).
  Returns: a SQL query with the columns reference and sign: +1 became known, -1 unknown.
-#}
{% macro moved_references(feed, model_name) -%}
  {%- set reference = entity(feed).reference -%}
select {{ reference.column }} as reference, cast(sum(sign) as tinyint) as sign
from state.changed_{{ reference.entity }}
where batch_id > {{ consumed_batch(model_name, reference.entity) }}
group by 1
having sum(sign) != 0
{%- endmacro %}

{#-
  The loads of a feed that became current, or are no longer, since its entity was last changed (state.applied).

  Args:
    feed (string): the feed.
  Returns: a SQL query with the columns load_id and sign: +1 came, -1 went.
-#}
{% macro moved_loads(feed) -%}
with applied as (
  select load_id from state.applied where feed = '{{ feed }}'
),

current_loads as (
  select load_id from state.current_loads where feed = '{{ feed }}'
)

select load_id, 1 as sign from current_loads where load_id not in (select load_id from applied)
union all
select load_id, -1 as sign from applied where load_id not in (select load_id from current_loads)
{%- endmacro %}

{#-
  What a feed refers to and became known, or unknown, since its entity, the current model, was last changed.

  Args:
    feed (string): the feed, which declares a reference.
  Returns: a SQL query with the columns reference and sign: +1 became known, -1 unknown.
-#}
{% macro moved_references(feed) -%}
  {%- set reference = entity(feed).reference -%}
select {{ reference.column }} as reference, cast(sum(sign) as tinyint) as sign
from state.changed_{{ reference.entity }}
where batch_id > {{ consumed_batch(this.identifier, reference.entity) }}
group by 1
having sum(sign) != 0
{%- endmacro %}

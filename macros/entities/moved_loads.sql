{#-
  The loads that became current, or are no longer, since the feed's entity last looked (state.applied).

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

{#-
  The current loads whose records came, went or changed their verdict since the feed last passed all its tests.

  Args:
    feed (string): the feed.
  Returns: a SQL query with the column load_id.
-#}
{% macro unaudited_loads(feed) -%}
  select load_id from state.current_loads where feed = '{{ feed }}'
  {%- if audit_extent(feed) == 'changes' %}
    and load_id in (select load_id from state.changed_loads where feed = '{{ feed }}' and batch_id > {{ audited_batch(feed) }})
  {%- endif %}
{%- endmacro %}

{#-
  What changed in an entity since a batch. What one of several batches brought and another took back has not changed.

  Args:
    feed (string): the feed.
    since (integer or SQL expression): the batch.
    is_one_batch (boolean): whether there is only one since then, in which nothing cancels out.
  Returns: a table expression with the entity's columns, ingest_date, _key_hash and sign, 1 for a row that came and -1 for
    one that went.
-#}
{% macro logged_changes(feed, since, is_one_batch=false) -%}
  {%- set columns = (entity(feed).columns + ['ingest_date', '_key_hash']) | join(', ') -%}
  {%- set log = ' from state.changed_' ~ feed ~ ' where batch_id > ' ~ since -%}
  {%- if is_one_batch -%}{{ return('(select ' ~ columns ~ ', sign' ~ log ~ ')') }}{%- endif -%}
  {{ return('(select ' ~ columns ~ ', sum(sign) as sign' ~ log ~ ' group by ' ~ columns ~ ' having sum(sign) != 0)') }}
{%- endmacro %}

{#-
  How many clean records of each load wait for the entity they refer to, and how many of those were repaired.

  Returns: a SQL query with the columns load_id, waiting_count, waiting_repaired_count; no rows where no feed has a reference.
-#}
{% macro waiting_counts() -%}
  {%- for feed in feeds() if entity(feed).reference %}
  select
    _load_id as load_id,
    count(*) as waiting_count,
    count(_repaired_columns) as waiting_repaired_count
  from {{ ref('int_' ~ feed ~ '_waiting') }}
  where _reject_reasons is null
  group by _load_id
  union all
  {%- endfor %}
  select
    cast(null as integer) as load_id,
    cast(null as bigint) as waiting_count,
    cast(null as bigint) as waiting_repaired_count
  where false
{%- endmacro %}

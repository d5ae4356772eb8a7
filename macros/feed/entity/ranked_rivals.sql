{#-
  The records of int_<feed>_contested: rivals for a key, ranked.

  Args:
    feed (string): the feed.
  Returns: a SQL query: the entity's columns, ingest_date, _load_id, _key_hash, _tie_break, _file, _rank (1 is the
    best record of its key) and _is_contested (another record shares its key hash).
-#}
{% macro ranked_rivals(feed) -%}
  {%- set declared = entity(feed) -%}
  select
    {%- for column in declared.columns %}
    {{ column }},
    {%- endfor %}
    ingest_date,
    _load_id,
    _key_hash,
    _tie_break,
    _file,
    row_number() over (partition by {{ declared.key | join(', ') }} order by {{ best_first(feed) | indent(4) }}) as _rank,
    count(*) over (partition by _key_hash) > 1 as _is_contested
  from {{ contested_rivals(feed) }}
{%- endmacro %}

{#-
  The rows of an entity: accepted records whose key was seen once, and the best record of each contested key.

  Args:
    feed (string): the feed.
  Returns: a SQL query: the entity's columns, ingest_date, _load_id, _key_hash.
-#}
{% macro entity_rows(feed) -%}
  {%- set columns = entity(feed).columns + ['ingest_date', '_load_id', '_key_hash'] -%}
  {%- set contested = ref('int_' ~ feed ~ '_contested') -%}
  select {{ columns | join(', ') }}
  from {{ ref('int_' ~ feed ~ '_accepted') }}
  where _key_hash not in (select _key_hash from {{ contested }})
  union all
  select {{ columns | join(', ') }}
  from {{ contested }}
  where _rank = 1
{%- endmacro %}

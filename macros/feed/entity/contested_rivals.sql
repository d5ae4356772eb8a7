{#-
  The records that int_<feed>_contested ranks.

  Args:
    feed (string): the feed.
  Returns: a table expression with the columns of `rivals` (see open_changes). Made anew: all accepted records of the
    keys that occur more than once. By difference: the accepted records of the touched keys.
-#}
{% macro contested_rivals(feed) -%}
  {%- set declared = entity(feed) -%}
  {%- set accepted = ref('int_' ~ feed ~ '_accepted') -%}
  {%- if entity_is_rebuilt(feed) -%}
  (
    select
      {%- for column in declared.columns %}
      {{ column }},
      {%- endfor %}
      ingest_date,
      _load_id,
      _key_hash,
      _tie_break,
      _file
    from {{ accepted }}
    where _key_hash in ({{ repeated_keys(feed, accepted) }})
  )
  {%- else -%}
  (select * from rivals where is_accepted)
  {%- endif -%}
{%- endmacro %}

{#-
  The hashes of the keys that occur more than once among the accepted records, or of some more. settle_ties has already
  found those of the last load; they are all there are when that load brought every current file. (Of a feed with a
  reference, only records that wait may share such a key: ranked_rivals says which keys are contested.)
-#}
{% macro repeated_keys(feed, accepted) -%}
  {%- set all_in_last_load = execute and run_query(
    "select count(*) from state.last_load where feed = '" ~ feed ~ "' and first_load_id <= all"
    ~ " (select load_id from state.current_loads where feed = '" ~ feed ~ "')"
  ).rows[0][0] == 1 -%}
  {%- if all_in_last_load -%}
  select _key_hash from state.repeated_{{ feed }}
  {%- else -%}
  select _key_hash from {{ accepted }} group by _key_hash having count(*) > 1
  {%- endif -%}
{%- endmacro %}

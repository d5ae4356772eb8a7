{#-
  The quarantined records of a feed: those that broke a rule, and, for a feed with a reference, clean ones whose
  reference is unknown now.

  Args:
    feed (string): the feed.
  Returns: a SQL query with the columns _load_id, reject_reasons, raw_record; one row per quarantined record of a
    current load.
-#}
{% macro rejected_records(feed) -%}
  {%- set staged = ref('stg_landing__' ~ feed) -%}
  select _load_id, _reject_reasons as reject_reasons, _raw_record as raw_record
  from {{ staged }}
  where
    _reject_reasons is not null
    and _load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
{%- endmacro %}

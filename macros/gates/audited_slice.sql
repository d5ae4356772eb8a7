{#-
  The largest key hash of a slice of a feed's keys that holds about 100,000 of them; all, when there are fewer.

  Args:
    feed (string): the feed.
  Returns: an integer. Compare with `_key_hash <=`: hashes are spread evenly over 64 bits.
-#}
{% macro audited_slice(feed) -%}
  {%- set records = accepted_record_count(feed) -%}
  {{ return(18446744073709551615 * 100000 // records if records > 100000 else 18446744073709551615) }}
{%- endmacro %}

{#-
  How many accepted records current loads of a feed hold, from the ledger.

  Args:
    feed (string): the feed.
    load_ids (string): the loads, see unaudited_loads; all that are current by default.
  Returns: an integer.
-#}
{% macro accepted_record_count(feed, load_ids=none) -%}
  {%- set accepted -%}
    select coalesce(sum(accepted_count), 0) from state.loads
    where load_id in ({{ load_ids or "select load_id from state.current_loads where feed = '" ~ feed ~ "'" }})
  {%- endset -%}
  {{ return(asked_once(accepted)[0][0] | int if execute else 0) }}
{%- endmacro %}

{#-
  No two rows of an entity share a key; nor of a table without a feed, such as a seed.

  A full scan of a large entity costs as much as a whole increment, so a build looks at the keys of the changed loads;
  of an entity made anew, at a slice of about 100,000 keys (all, when there are fewer). The var `audit: full` looks at
  every key. Keys are compared by their 64-bit hash first, by themselves only where hashes agree.

  Args:
    key (list of columns): the key.
    feed: see row_is_valid. Without feed all keys are looked at.
  Returns: the keys that occur more than once, how often, and failure_reason.
-#}
{% test key_is_unique(model, key, feed=none) %}
  {%- set key_csv = key | join(', ') %}
  {%- set extent = audit_extent(feed) if feed else 'everything' %}
  {%- set accepted = accepted_records(feed) if feed else none %}
  {%- if feed %}
  -- depends_on: {{ ref('reject_reasons') }}
  {%- endif %}
  {%- set nothing_changed = feed and is_audited(feed) %}
  {%- if feed and not nothing_changed %}
  with
  {%- if extent == 'changes' %}
  {%- set loads = unaudited_loads(feed, true) %}
  changed_keys as (
    select _key_hash from state.changed_{{ feed }} where batch_id > {{ audited_batch(feed) }}
    {%- if loads %}
    union all
    select _key_hash from {{ accepted }} where _load_id in ({{ loads }})
    {%- endif %}
  ),

  {% endif %}
  suspects as (
    select _key_hash
    {%- if extent == 'changes' %}
    from {{ rows_where(model, feed, '_key_hash in (select _key_hash from changed_keys)') }}
    {%- else %}
    from {{ model }}
    {%- endif %}
    {%- if extent == 'rebuilt' %}
    where _key_hash <= {{ audited_slice(feed) }}
    {%- endif %}
    group by _key_hash
    having count(*) > 1
  ),

  audited as (
    select {{ key_csv }} from {{ rows_where(model, feed, '_key_hash in (select _key_hash from suspects)') }}
  )
  {%- else %}
  with audited as (
    select {{ key_csv }}
    from {{ model }}
    {%- if nothing_changed %}
    where false
    {%- endif %}
  )
  {%- endif %}

  select {{ key_csv }}, count(*) as row_count, count(*) || ' rows have this key' as failure_reason
  from audited
  group by {{ key_csv }}
  having count(*) > 1
{% endtest %}

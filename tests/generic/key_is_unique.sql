{#-
  No two rows share a key, and no key is null.

  A full scan of a large entity costs as much as a whole increment, so a build looks at the keys of the changed loads;
  of an entity made anew, at a slice of about 250,000 keys (all, when there are fewer). The var `audit: full` looks at
  every key.

  Args:
    key (list of columns): the key.
    feed, publishes: see row_is_valid. Without feed all keys are looked at.
  Returns: the keys that occur more than once, how often, and failure_reason.
-#}
{% test key_is_unique(model, key, feed=none, publishes=none) %}
  {%- set key_csv = key | join(', ') %}
  {%- set extent = audit_extent(feed) if feed else 'everything' %}
  {%- set group_by = audited_groups(model) %}
  -- depends_on: {{ publishes or model }}
  with audited as (
    select {{ key_csv }}
    from {{ model }}
    {%- if extent == 'changes' and group_by %}
    where ({{ group_by.keys() | join(', ') }}) in ({{ unaudited_groups(feed, group_by) }})
    {%- elif extent == 'changes' %}
    where _key_hash in (
      select _key_hash from state.changed_{{ feed }} where batch_id > {{ audited_batch(feed) }}
      union all
      select _key_hash from {{ ref('int_' ~ feed ~ '_accepted') }} where _load_id in ({{ unaudited_loads(feed) }})
    )
    {%- elif extent == 'rebuilt' and not group_by %}
    where _key_hash <= {{ audited_slice(feed) }}
    {%- endif %}
  )

  select
    {{ key_csv }},
    count(*) as row_count,
    case
      when {% for column in key %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %} then 'the key is null'
      else count(*) || ' rows have this key'
    end as failure_reason
  from audited
  group by {{ key_csv }}
  having count(*) > 1{% for column in key %} or {{ column }} is null{% endfor %}
{% endtest %}

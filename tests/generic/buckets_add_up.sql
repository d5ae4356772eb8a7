{#-
  Events per minute, hour and day are the same events: the sums of each group and day agree in the three tables, and all
  days together are the accepted records less the duplicates. With the var `audit: full` each group and day is counted
  again from the events.

  Args:
    events, minutes, hours (Relation): the entity and the finer metrics of the model, which holds days.
    by (list of columns): what the buckets are grouped by besides time.
    sums (mapping): column -> aggregate over the events; the first is the number of events.
    feed: see row_is_valid.
  Returns: one row per group and day that disagrees (all null for the total), with the counts and failure_reason.
-#}
{% test buckets_add_up(model, events, minutes, hours, by, sums, feed) %}
  {%- set extent = audit_extent(feed) %}
  {%- set group = by | join(', ') %}
  {%- set event_count = sums.keys() | first %}
  -- depends_on: {{ ref('reject_reasons') }}
  -- depends_on: {{ events }}
  {%- if extent == 'changes' %}
  with changed_days as (
    select distinct {{ group }}, date_trunc('day', event_at) as day
    from state.changed_{{ feed }}
    where batch_id > {{ audited_batch(feed) }}
  ),

  {% else %}
  with {% endif -%}
  counted as (
    {%- for bucket, relation in [('minute', minutes), ('hour', hours), ('day', model)] %}
    select
      '{{ bucket }}' as bucket, {{ group }}, date_trunc('day', {{ bucket }}) as day
      {%- for name in sums %}, sum({{ name }}) as {{ name }}{% endfor %}
    from {{ relation }}
    {%- if extent == 'changes' %}
    where
      {{ bucket }} >= (select min(day) from changed_days)
      and {{ bucket }} < (select max(day) from changed_days) + interval 1 day
      and ({{ group }}, date_trunc('day', {{ bucket }})) in (select ({{ group }}, day) from changed_days)
    {%- endif %}
    group by {{ group }}, date_trunc('day', {{ bucket }})
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {%- if extent == 'everything' %}
    union all
    select
      'event' as bucket, {{ group }}, date_trunc('day', event_at) as day
      {%- for name, aggregate in sums.items() %}, {{ aggregate }} as {{ name }}{% endfor %}
    from {{ events }}
    group by {{ group }}, date_trunc('day', event_at)
    {%- endif %}
  ),

  disagreeing as (
    select
      {{ group }},
      day,
      min({{ event_count }}) as smallest_count,
      max({{ event_count }}) as largest_count,
      'the tables disagree: ' || string_agg(bucket || ' ' || {{ event_count }}, ', ' order by bucket) as failure_reason
    from counted
    group by {{ group }}, day
    having
      count(*) != {{ 4 if extent == 'everything' else 3 }}
      {%- for name in sums %}
      or min({{ name }}) != max({{ name }})
      {%- endfor %}
  ),

  total as (
    select
      (select coalesce(sum({{ event_count }}), 0) from {{ model }}) as event_count,
      (
        select coalesce(sum(accepted_count), 0) from state.loads
        where load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
      ) - (select count(*) from {{ contested_records(feed) }} where _rank > 1) as clean_count
  )

  select * from disagreeing
  union all
  select
    {%- for column in by %} null as {{ column }},{% endfor %} null as day, event_count, clean_count,
    'all days hold ' || event_count || ' events, but ' || clean_count || ' are clean'
  from total
  where event_count != clean_count
{% endtest %}

{#-
  Events per minute, hour and day are the same events: the counts of each service and day agree in the three tables,
  and all days together are the accepted records less the duplicates. With the var `audit: full` each service and day
  is counted again from the events.

  Args:
    events, minutes, hours (Relation): the entity and the finer metrics of the model, which holds days.
    feed, publishes: see row_is_valid.
  Returns: one row per service and day that disagrees (both null for the total), with the counts and failure_reason.
-#}
{% test buckets_add_up(model, events, minutes, hours, feed, publishes=none) %}
  {%- set extent = audit_extent(feed) %}
  {%- set counts = ['request_count', 'latency_count', 'status_count', 'error_count'] %}
  -- depends_on: {{ publishes or model }}
  -- depends_on: {{ events }}
  {%- if extent == 'changes' %}
  with changed_days as (
    select distinct service, date_trunc('day', event_at) as day
    from state.changed_{{ feed }}
    where batch_id > {{ audited_batch(feed) }}
  ),

  {% else %}
  with {% endif -%}
  counted as (
    {%- for bucket, relation in [('minute', minutes), ('hour', hours), ('day', model)] %}
    select
      '{{ bucket }}' as bucket, service, date_trunc('day', {{ bucket }}) as day
      {%- for count in counts %}, sum({{ count }}) as {{ count }}{% endfor %}
    from {{ relation }}
    {%- if extent == 'changes' %}
    where
      {{ bucket }} >= (select min(day) from changed_days)
      and {{ bucket }} < (select max(day) from changed_days) + interval 1 day
      and (service, date_trunc('day', {{ bucket }})) in (select (service, day) from changed_days)
    {%- endif %}
    group by service, date_trunc('day', {{ bucket }})
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {%- if extent == 'everything' %}
    union all
    select
      'event' as bucket, service, date_trunc('day', event_at) as day, count(*) as request_count, count(latency_ms) as latency_count,
      count(status_code) as status_count, count(*) filter (where status_code not between 200 and 299) as error_count
    from {{ events }}
    group by service, date_trunc('day', event_at)
    {%- endif %}
  ),

  disagreeing as (
    select
      service,
      day,
      min(request_count) as smallest_count,
      max(request_count) as largest_count,
      'the tables disagree: ' || string_agg(bucket || ' ' || request_count, ', ' order by bucket) as failure_reason
    from counted
    group by service, day
    having
      count(*) != {{ 4 if extent == 'everything' else 3 }}
      {%- for count in counts %}
      or min({{ count }}) != max({{ count }})
      {%- endfor %}
  ),

  total as (
    select
      (select coalesce(sum(request_count), 0) from {{ model }}) as request_count,
      (
        select coalesce(sum(accepted_count), 0) from state.loads
        where load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
      ) - (select count(*) from {{ ref('int_' ~ feed ~ '_contested') }} where _rank > 1) as clean_count
  )

  select * from disagreeing
  union all
  select null, null, request_count, clean_count, 'all days hold ' || request_count || ' events, but ' || clean_count || ' are clean'
  from total
  where request_count != clean_count
{% endtest %}

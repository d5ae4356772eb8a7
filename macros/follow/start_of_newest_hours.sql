{#-
  Where to look for a feed's newest event that is not later than as_of: the beginning of the last two hours until then that
  have any, as a literal, so that older rows are never read. (In the very last one all may be later.)

  Args:
    feed (string): a feed of event_instants().
  Returns: a SQL literal of type TIMESTAMP; 1970-01-01 when there are no events.
-#}
{% macro start_of_newest_hours(feed) -%}
  {%- set hours -%}
    select feed, cast(min(event_hour) as varchar)
    from (
      select feed, event_hour, row_number() over (partition by feed order by event_hour desc) as recency
      from (
        select distinct feed, cast(event_date as timestamp) + to_hours(hour) as event_hour
        from {{ ref('int_events_counted') }}
      )
      where event_hour <= {{ as_of_literal() }}
    )
    where recency <= 2
    group by feed
  {%- endset -%}
  {%- set found = asked_once(hours) if execute else [] -%}
  timestamp '{{ found | selectattr(0, 'equalto', feed) | map(attribute=1) | first | default('1970-01-01', true) }}'
{%- endmacro %}

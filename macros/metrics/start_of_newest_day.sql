{#-
  The first instant of the newest day on which a feed has clean events, as a literal, so that older rows are never read.

  Args:
    feed (string): a feed of event_instants().
  Returns: a SQL literal of type TIMESTAMP; 1970-01-01 when there are no events.
-#}
{% macro start_of_newest_day(feed) -%}
  {%- set newest = asked_once('select feed, max(event_date) from ' ~ ref('int_events_counted') ~ ' group by feed') if execute else [] -%}
  timestamp '{{ newest | selectattr(0, 'equalto', feed) | map(attribute=1) | first | default('1970-01-01', true) }}'
{%- endmacro %}

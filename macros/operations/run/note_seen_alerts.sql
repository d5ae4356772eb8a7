{#- At the end of a run that made the alerts: remember since when each of them stands. One that comes back is new. -#}
{% macro note_seen_alerts() -%}
  {%- do run_statements(
    'create or replace table state.seen_alerts as select ingest_date, alert, feed, file, first_seen_at from ' ~ relation_of('alerts')
  ) -%}
{%- endmacro %}

{#-
  The very last step of a build: tell SLUICE_ALERT_URL about alerts it has not been told about.

  state.sent_alerts remembers the alerts that were taken, for as long as they stand: one that comes back is new. What is
  not taken in the time there is waits for the next build. Alerts of feeds that are held back wait, too.

  Args:
    results (list of RunResult): the results of the run.
-#}
{% macro send_alerts(results) -%}
  {{ return(adapter.dispatch('send_alerts')(results)) }}
{%- endmacro %}

{% macro default__send_alerts(results) -%}
  {{ exceptions.raise_compiler_error('send_alerts is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__send_alerts(results) -%}
  {%- set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.name') | list -%}
  {%- if 'alerts' in built and run_query('select sluice_alert_url()').rows[0][0] -%}
    {%- set held = feeds() | reject('in', released_feeds(results)) | list -%}
    {%- do run_statements(duckdb__standing_alerts_sql(held)) -%}
    {%- do run_query(
      "insert into state.sent_alerts select unnest(sluice_send_alerts(cast(to_json(list(standing order by ingest_date desc, id)) as varchar)))"
      ~ " from (select * from standing_alerts where id not in (select id from state.sent_alerts)) as standing having count(*) > 0"
    ) -%}
  {%- endif -%}
{%- endmacro %}

{#- The temporary table standing_alerts; and, when no feed is held back, state.sent_alerts without what no longer stands. -#}
{% macro duckdb__standing_alerts_sql(held) -%}
  create table if not exists state.sent_alerts (id varchar not null);
  create or replace temp table standing_alerts as
  select md5(concat_ws(chr(31), cast(ingest_date as varchar), alert, feed, coalesce(file, ''))) as id, *
  from {{ relation_of('alerts') }}
  {%- if held %}
  where feed not in ('{{ held | join("', '") }}');
  {%- else %};
  delete from state.sent_alerts where id not in (select id from standing_alerts);
  {%- endif %}
{%- endmacro %}

{#-
  on-run-start: make sure the machinery's tables exist, and note that a run has begun. A run that is still noted as
  running was killed, because only one process at a time can hold the warehouse.
-#}
{% macro start_run() -%}
  {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'test') %}
    {%- do run_query(create_state()) %}
    {%- if flags.WHICH in ('build', 'run') %}
      {%- do run_query("update state.runs set status = 'killed' where status = 'running'") %}
      {%- do run_query(
        "insert into state.runs (run_id, started_at, status) values ('" ~ invocation_id ~ "', '"
        ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f') ~ "', 'running')"
      ) %}
    {%- endif %}
  {%- endif %}
{%- endmacro %}

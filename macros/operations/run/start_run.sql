{#-
  on-run-start: make sure the machinery's tables exist, and note that a run has begun. A run that is still noted as
  running was killed, because only one process at a time can hold the warehouse.
-#}
{% macro start_run() -%}
  {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'test') %}
    {%- do run_statements(create_state()) %}
    {%- if flags.WHICH in ('build', 'run') %}
      {%- if flags.FULL_REFRESH %}
        {%- if reprocessed_dates() %}
          {{ exceptions.raise_compiler_error('start_date reads some ingest dates again, --full-refresh everything, and what it does not read it loses. Give one of them.') }}
        {%- endif %}
        {%- do refuse_to_forget() %}
      {%- endif %}
      {%- do note_pii_key() %}
      {%- do note_erased() %}
      {%- do run_query('select sluice_clear_work()') %}
      {%- do run_statements(
        "update state.runs set status = 'killed' where status = 'running';"
        ~ " insert into state.runs (run_id, started_at, status) values ('" ~ invocation_id ~ "', '"
        ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f') ~ "', 'running')"
      ) %}
    {%- endif %}
  {%- endif %}
{%- endmacro %}

{#-
  A full refresh reads landing and archive again, so it would lose the records of files that are in neither. It
  stops and names them, unless the var forget_missing says that they may go.
-#}
{% macro refuse_to_forget() -%}
  {%- if not var('forget_missing') %}
    {%- set missing = run_query(
      "select file from state.current_loads where file not in (select file from (" ~ landing_files() ~ "))"
      ~ " and file not in (select file from (select unnest(sluice_archived_files('', true), recursive := true))) order by file"
    ).columns[0].values() %}
    {%- if missing %}
      {{ exceptions.raise_compiler_error(
        "A full refresh would lose the records of " ~ missing | length ~ " files that were loaded and are neither in the landing zone nor in the archive: "
        ~ missing[:20] | join(', ') ~ (', …' if missing | length > 20 else '')
        ~ ". Put them back, or build with --vars '{forget_missing: true}' to go on without them."
      ) }}
    {%- endif %}
  {%- endif %}
{%- endmacro %}

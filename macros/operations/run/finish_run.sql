{#-
  on-run-end: say why tests failed, note how the run ended, and deliver what a build made.
  Args: results (list of RunResult).
-#}
{% macro finish_run(results) -%}
  {%- if execute %}
    {%- do report_failures(results) %}
  {%- endif %}
  {%- set run = namespace(delivered=none) %}
  {%- if execute and flags.WHICH in ('build', 'run') %}
    {%- set failed = results | rejectattr('status', 'in', ['success', 'pass', 'warn', 'no-op']) | list | length > 0 %}
    {%- do note_archive(results) %}
    {%- do run_statements(finished_run_sql('failed' if failed else 'success')) %}
    {%- if flags.WHICH == 'build' and not flags.EMPTY %}
      {%- set outcome = deliver(results) %}
      {%- do note_audited(results, outcome.released) %}
      {%- do forget_consumed(outcome.reflected) %}
      {%- set run.delivered = outcome.delivered %}
    {%- endif %}
    {%- if results | selectattr('node.name', 'equalto', 'alerts') | selectattr('status', 'equalto', 'success') | list %}
      {%- do note_seen_alerts() %}
    {%- endif %}
    {%- do summarise_run(results, run.delivered) %}
    {%- do run_query('select sluice_clear_work()') %}
    {%- if flags.WHICH == 'build' and not var('touched_feeds') %}
      {%- do purge_forgotten() %}
    {%- endif %}
  {%- endif %}
{%- endmacro %}

{#- The line of this run in state.runs, completed. Args: status (string): success or failed. -#}
{% macro finished_run_sql(status) -%}
  update state.runs
  set
    finished_at = cast(current_timestamp at time zone 'UTC' as timestamp),
    status = '{{ status }}',
    files_loaded = read.files_loaded,
    records_read = read.records_read,
    clean_count = read.clean_count,
    quarantined_count = read.quarantined_count
  from (
    select
      count(*) filter (where error is null) as files_loaded,
      cast(coalesce(sum(records_read) filter (where error is null), 0) as bigint) as records_read,
      cast(coalesce(sum(accepted_count) filter (where error is null), 0) as bigint) as clean_count,
      cast(coalesce(sum(rejected_count) filter (where error is null), 0) as bigint) as quarantined_count
    from state.loads
    where run_id = '{{ invocation_id }}'
  ) as read
  where runs.run_id = '{{ invocation_id }}'
{%- endmacro %}

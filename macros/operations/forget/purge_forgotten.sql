{#-
  The last step of a build after somebody was forgotten: published files and the warehouse are written anew, so that
  no deleted row is left in a free page. It waits for a build after which nothing that was forgotten is referred to any
  more: superseded loads are deleted, and every consumer has taken the change in.

  Errors: a published file whose older state a reader keeps for longer than SLUICE_WAIT_SECONDS fails the build, which names
  it and who has it open; the next build tries again.
-#}
{% macro purge_forgotten() -%}
  {{ return(adapter.dispatch('purge_forgotten')()) }}
{%- endmacro %}

{% macro default__purge_forgotten() -%}
  {{ exceptions.raise_compiler_error('purge_forgotten is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__purge_forgotten() -%}
  {%- set due = run_query('select distinct feed from state.purge_due order by feed').columns[0].values() -%}
  {%- if due -%}
    {%- set left = [] -%}
    {%- set logs = run_query("select table_name from duckdb_tables() where schema_name = 'state'").columns[0].values() -%}
    {%- for feed in due -%}
      {%- set rest -%}
        select
          (select count(*) from state.loads where feed = '{{ feed }}' and not is_forgotten and load_id not in (select load_id from state.current_loads))
          + (select count(*) from state.changed_references)
          + (select count(*) from state.released_records)
          {%- if 'changed_' ~ feed in logs %}
          + (select count(*) from state.changed_{{ feed }})
          {%- endif %}
      {%- endset -%}
      {%- if run_query(rest).rows[0][0] > 0 -%}{%- do left.append(feed) -%}{%- endif -%}
    {%- endfor -%}
    {%- if left -%}
      {%- do log('Records of ' ~ left | join(', ') ~ ' that were to be forgotten are still referred to; the next build that publishes them removes the rest.', info=true) -%}
    {%- else -%}
      {%- set problems = run_query('select unnest(sluice_compact_published())').columns[0].values() -%}
      {%- set path = run_query('select sluice_compact_path()').rows[0][0] -%}
      {%- do duckdb__end_transaction() -%}
      {%- do run_query('checkpoint') -%}
      {%- do run_query('attach ' ~ duckdb__text_literal(path) ~ " as fresh (storage_version 'latest')") -%}
      {%- do run_query('copy from database ' ~ adapter.quote(target.database) ~ ' to fresh') -%}
      {%- if not problems -%}
        {%- do run_query('delete from fresh.state.purge_due') -%}
      {%- endif -%}
      {%- do run_query('checkpoint fresh') -%}
      {%- do run_query('detach fresh') -%}
      {%- do run_query('select sluice_replace_warehouse()') -%}
      {%- if problems -%}
        {{ exceptions.raise_compiler_error('Somebody is forgotten, but not everywhere yet. ' ~ problems | join(' ')) }}
      {%- endif -%}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}

{#- End the transaction that dbt may have opened to look something up: one transaction can change only one database. -#}
{% macro duckdb__end_transaction() -%}
  {%- call statement('in_transaction', auto_begin=true) -%} select 1 {%- endcall -%}
  {%- do adapter.commit() -%}
{%- endmacro %}

{#-
  on-run-end: note what the archive of each feed looked like whose staging model has just looked for files to read. While
  something in it cannot be read, the next build looks again, and names it again.

  Args:
    results (list of RunResult): the results of the run.
-#}
{% macro note_archive(results) -%}
  {%- set feeds = [] -%}
  {%- for result in results if result.node.name.startswith('stg_landing__') and result.status == 'success' and result.node.config.meta.get('feed') -%}
    {%- do feeds.append(result.node.config.meta.feed) -%}
  {%- endfor -%}
  {%- if feeds -%}{{ adapter.dispatch('note_archive')(feeds) }}{%- endif -%}
{%- endmacro %}

{% macro default__note_archive(feeds) -%}
  {{ exceptions.raise_compiler_error('note_archive is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__note_archive(feeds) -%}
  {%- set changed -%}
    select model, stamp
    from (
      select 'archive of ' || feed as model, sluice_archive_stamp(feed) as stamp, sluice_archive_is_readable(feed) as is_readable
      from (select unnest(['{{ feeds | join("', '") }}']) as feed)
    ) as archives
    where is_readable and stamp != coalesce((select max(fingerprint) from state.built as built where built.model = archives.model), '')
  {%- endset -%}
  {%- for model, stamp in run_query(changed).rows -%}
    {%- do run_statements("delete from state.built where model = '" ~ model ~ "'; insert into state.built values ('" ~ model ~ "', '" ~ stamp ~ "')") -%}
  {%- endfor -%}
{%- endmacro %}

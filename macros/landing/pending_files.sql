{#-
  The file versions of a feed that this build reads: new, changed in size or modification time, judged with another
  rule set, not openable last time; or, with the vars start_date and end_date, those of the named ingest dates and
  no others.

  Args:
    feed (string): the feed.
  Returns: a SQL query with the columns file, path, ingest_date.
  Errors: dates that are none, or an end_date before (or without) a start_date, stop the build.
-#}
{% macro pending_files(feed) -%}
  {%- set dates = reprocessed_dates() -%}
  with latest as (
    select
      file,
      max_by(size_bytes, load_id) as size_bytes,
      max_by(modified_ns, load_id) as modified_ns,
      max_by(rule_set, load_id) as rule_set,
      max_by(can_retry, load_id) as can_retry
    from state.loads
    where feed = '{{ feed }}'
    group by file
  )

  select files.file, files.path, files.ingest_date
  from {{ ref('stg_landing__files') }} as files
  left join latest on files.file = latest.file
  where
    files.feed = '{{ feed }}' and files.error is null
  {%- if dates %}
    and files.ingest_date between date '{{ dates[0] }}' and date '{{ dates[1] }}'
  {%- elif should_full_refresh() %}
  {%- else %}
    and (
      latest.file is null
      or latest.size_bytes != files.size_bytes
      or latest.modified_ns != files.modified_ns
      or latest.rule_set != '{{ rule_set() }}'
      or latest.can_retry
    )
  {%- endif %}
{%- endmacro %}

{#- The first and last ingest date to read again, as ISO text, or none. -#}
{% macro reprocessed_dates() -%}
  {%- set first = var('start_date', none) -%}
  {%- set last = var('end_date', none) or first -%}
  {%- if first or last -%}
    {%- for name, value in [('start_date', first), ('end_date', last)] -%}
      {%- if not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', value | string) -%}
        {{ exceptions.raise_compiler_error("var " ~ name ~ " is '" ~ value ~ "'; give dates as YYYY-MM-DD, start_date at least") }}
      {%- endif -%}
    {%- endfor -%}
    {%- if last | string < first | string -%}
      {{ exceptions.raise_compiler_error("var end_date " ~ last ~ " is before start_date " ~ first) }}
    {%- endif -%}
    {{ return([first | string, last | string]) }}
  {%- endif -%}
  {{ return(none) }}
{%- endmacro %}

{#-
  The fingerprint of everything that judges a feed's records: the staging model's SQL as it is rendered here and now
  (rules, macros and vars are text in it) and the content of the seeds it reads. Call it from a hook of that model.
-#}
{% macro rule_set() -%}
  {%- set parts = [model.compiled_code] -%}
  {%- for unique_id in model.depends_on.nodes if unique_id.startswith('seed.') -%}
    {%- do parts.append(graph.nodes[unique_id].checksum.checksum) -%}
  {%- endfor -%}
  {{ return(local_md5(parts | join('\n'))) }}
{%- endmacro %}

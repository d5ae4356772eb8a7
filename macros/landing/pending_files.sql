{#-
  The file versions of a feed that this build reads: new, changed in size or modification time, judged with another
  rule set, not openable last time; or, with the vars start_date and end_date, those of the named ingest dates and
  no others. Archived files are read again by a full refresh, by other rules, and for named dates; the archive is looked
  into only then, when nothing of the feed was ever loaded here, or when it is not as the last build left it (note_archive):
  a warehouse that was brought back from a backup does not know what was archived since.

  Args:
    feed (string): the feed.
  Returns: a SQL query with the columns file, path, ingest_date, is_archived (path is then a file of the archive),
    size_bytes, modified_ns.
  Errors: dates that are none, or an end_date before (or without) a start_date, stop the build.
-#}
{% macro pending_files(feed) -%}
  {%- set dates = reprocessed_dates() -%}
  {%- set everything = dates or should_full_refresh() -%}
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
  ),

  landed as (
    select *
    from {{ ref('stg_landing__files') }}
    where feed = '{{ feed }}' and error is null
  ),

  archived as (
    select unnest(
      sluice_archived_files(
        '{{ feed }}',
        {%- if everything %}
        true
        {%- else %}
        (
          select count(*) = 0 or bool_or(rule_set != '{{ rule_set() }}' and file not in (select file from landed))
            or sluice_archive_stamp('{{ feed }}') != coalesce((select max(fingerprint) from state.built where model = 'archive of {{ feed }}'), '')
          from latest
        )
        {%- endif %}
      ),
      recursive := true
    )
  ),

  counting as (
    select
      loads.file,
      loads.size_bytes,
      loads.modified_ns,
      loads.rule_set
    from state.loads as loads
    inner join state.current_loads as current_loads on loads.load_id = current_loads.load_id
    where loads.feed = '{{ feed }}'
  )

  select
    landed.file,
    landed.path,
    landed.ingest_date,
    false as is_archived,
    landed.size_bytes,
    landed.modified_ns
  from landed
  left join latest on landed.file = latest.file
  where
  {%- if dates %}
    landed.ingest_date between date '{{ dates[0] }}' and date '{{ dates[1] }}'
  {%- elif everything %}
    true
  {%- else %}
    latest.file is null
    or latest.size_bytes != landed.size_bytes
    or latest.modified_ns != landed.modified_ns
    or latest.rule_set != '{{ rule_set() }}'
    or latest.can_retry
  {%- endif %}
  union all
  select
    archived.file,
    archived.path,
    archived.ingest_date,
    true as is_archived,
    archived.size_bytes,
    archived.modified_ns
  from archived
  left join counting on archived.file = counting.file
  where
  {%- if should_full_refresh() and not dates %}
    true
  {%- else %}
    (
      counting.file is null
      or (archived.modified_ns > counting.modified_ns and archived.file not in (select file from landed))
      or (
        counting.size_bytes = archived.size_bytes
        and counting.modified_ns = archived.modified_ns
        and {{ 'true' if dates else "counting.rule_set != '" ~ rule_set() ~ "'" }}
      )
    )
    {%- if dates %}
    and archived.ingest_date between date '{{ dates[0] }}' and date '{{ dates[1] }}'
    {%- endif %}
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

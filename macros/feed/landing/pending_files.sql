{#-
  The file versions of a feed that a build has to look at: new; changed in size, modification time, change time or inode;
  back after they were gone; judged with another rule set; not openable last time. Or, with the vars start_date and
  end_date, those of the named ingest dates and no others. Archived files are read again by a full refresh, by other rules,
  and for named dates; the archive is looked into only then, when nothing of the feed was ever loaded here, or when it is not
  as the last build left it (note_archive): a warehouse that was brought back from a backup does not know what was archived
  since.

  Args:
    feed (string): the feed.
    everything (boolean): the staged records are made from the beginning.
  Returns: a SQL query with the columns file, path, ingest_date, is_archived (path is then a file of the archive),
    size_bytes, modified_ns, and known_hash: the content hash of the version that was seen last, null where the file is to
    be read whatever its content is.
  Errors: dates that are none, or an end_date before (or without) a start_date, stop the build.
-#}
{% macro pending_files(feed, everything=false) -%}
  {%- set dates = reprocessed_dates() -%}
  with latest as (
    {{ latest_loads(feed) | indent(4) }}
  ),

  landed as (
    select * from ({{ landing_files(feed) }}) where error is null
  ),

  archived as (
    select unnest(
      sluice_archived_files(
        '{{ feed }}',
        {%- if dates or everything %}
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
    landed.modified_ns,
    {{ 'cast(null as varchar)' if dates or everything
      else "case when latest.rule_set = '" ~ rule_set() ~ "' and not latest.can_retry then latest.content_hash end" }} as known_hash
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
    or latest.changed_ns != landed.changed_ns
    or latest.inode != landed.inode
    or latest.is_gone
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
    archived.modified_ns,
    cast(null as varchar) as known_hash
  from archived
  left join counting on archived.file = counting.file
  where
  {%- if everything and not dates %}
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

{#- The last line of the ledger for each file of a feed. Returns: a SQL query with the columns of state.loads. -#}
{% macro latest_loads(feed) -%}
  select *
  from state.loads
  where load_id in (select max(load_id) from state.loads where feed = '{{ feed }}' group by file)
{%- endmacro %}

{#- Files of a feed that were seen and have gone since, as a SQL query with the column load_id (of their last line). -#}
{% macro newly_gone_files(feed) -%}
  select load_id
  from ({{ latest_loads(feed) }})
  where is_gone is not true and file not in (select file from ({{ landing_files(feed) }}))
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
  The fingerprint of everything that reads and judges a feed's records: the staging model's SQL as it is rendered here and
  now (rules, macros and vars are text in it), the content of the seeds it reads, and how its files are read.
  Call it from the materialization of that model.
-#}
{% macro rule_set() -%}
  {%- set parts = [model.compiled_code, landing_feed(config.get('meta').feed)] -%}
  {%- for unique_id in model.depends_on.nodes if unique_id.startswith('seed.') -%}
    {%- do parts.append(graph.nodes[unique_id].checksum.checksum) -%}
  {%- endfor -%}
  {{ return(local_md5(parts | join('\n'))) }}
{%- endmacro %}

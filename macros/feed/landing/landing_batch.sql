{#-
  The temporary tables landing_batch and landing_parts: the file versions that this build reads, each looked at once and
  with a load id of its own, in byte order of their names (an archived version of a file before the one that is in landing).
  Archived files are restored to the work folder first. Nothing is written to the warehouse.

    landing_batch  one row per file version: load_id, number (in what the reader wrote aside), file, path, ingest_date, size_bytes, modified_ns, changed_ns, inode,
                   content_hash, is_unchanged, what the reader found (error, error_detail, retry, note, encoding,
                   is_encoding_guessed, delimiter, header_kind, skipped_lines, records_read, fault_count, faults_path,
                   lines_path), and how values are read that have several readings: date_order, decimal
    landing_decisions  (empty; see duckdb__settle_forms)
    landing_parts  one row per part of such a file, a run of records below one header: load_id, part, layout (parts of one
                   layout are read together), read_path, record_count, first_line

  Args:
    feed (string): the feed.
    everything (boolean): as for pending_files.
  Returns: SQL statements.
-#}
{% macro duckdb__create_landing_batch(feed, everything) -%}
  create or replace temp table landing_batch as
  with pending as (
    {{ pending_files(feed, everything) | indent(4) }}
  ),

  numbered as (
    select *, nextval('state.load_ids') as load_id from (select * from pending order by file, is_archived desc)
  ),

  looked_at as (
    select
      unnest(list(load_id order by load_id)) as load_id,
      unnest(sluice_inspect(
        sluice_restore(list(path order by load_id), list(file order by load_id), list(is_archived order by load_id)),
        list(known_hash order by load_id),
        {{ duckdb__text_literal(landing_feed(feed)) }}
      )) as found
    from numbered
    having count(*) > 0
  )

  select
    numbered.load_id,
    numbered.file,
    numbered.path,
    numbered.ingest_date,
    numbered.is_archived,
    case when numbered.is_archived then numbered.size_bytes else looked_at.found.size_bytes end as size_bytes,
    case when numbered.is_archived then numbered.modified_ns else looked_at.found.modified_ns end as modified_ns,
    case when not numbered.is_archived then looked_at.found.changed_ns end as changed_ns,
    case when not numbered.is_archived then looked_at.found.inode end as inode,
    looked_at.found.number,
    looked_at.found.content_hash,
    looked_at.found.is_unchanged,
    looked_at.found.error,
    looked_at.found.error_detail,
    looked_at.found.retry,
    looked_at.found.note,
    looked_at.found.encoding,
    looked_at.found.is_encoding_guessed,
    looked_at.found.delimiter,
    looked_at.found.header_kind,
    looked_at.found.skipped_lines,
    looked_at.found.records_read,
    looked_at.found.fault_count,
    looked_at.found.faults_path,
    looked_at.found.lines_path,
    looked_at.found.parts,
    '{{ source_option(feed, 'date_order') }}' as date_order,
    '{{ source_option(feed, 'decimal') }}' as decimal
  from numbered
  inner join looked_at on numbered.load_id = looked_at.load_id;

  {{ duckdb__landing_parts_sql() }}
  create or replace temp table landing_decisions (load_id integer, forms utinyint, date_order varchar, decimal varchar);
{%- endmacro %}

{#-
  Files whose content is the same as when they were seen last (touched, copied, brought back) are the version that they were:
  their line of the ledger gets the new times, and they leave the batch. A line that knows no change time (of an earlier
  version of the project, or of an erased file) gets it. Files that have gone are noted, so that one which
  comes back is looked at whatever its times say.

  Args:
    feed (string): the feed.
  Returns: SQL statements.
-#}
{% macro duckdb__note_unchanged_files(feed) -%}
  update state.erased
  set size_bytes = seen.size_bytes, modified_ns = seen.modified_ns
  from landing_batch as seen, ({{ latest_loads(feed) }}) as latest
  where
    seen.is_unchanged and seen.file = latest.file and erased.file = latest.file
    and erased.size_bytes = latest.size_bytes and erased.modified_ns = latest.modified_ns;

  update state.loads
  set
    size_bytes = seen.size_bytes, modified_ns = seen.modified_ns, changed_ns = seen.changed_ns, inode = seen.inode, is_gone = false
  from landing_batch as seen
  where
    seen.is_unchanged and loads.file = seen.file
    and loads.load_id in (select load_id from ({{ latest_loads(feed) }}));

  update state.loads
  set changed_ns = landed.changed_ns, inode = landed.inode
  from ({{ landing_files(feed) }}) as landed
  where
    loads.changed_ns is null and loads.file = landed.file
    and loads.size_bytes = landed.size_bytes and loads.modified_ns = landed.modified_ns
    and loads.load_id in (select load_id from ({{ latest_loads(feed) }}));

  update state.loads set is_gone = true where load_id in ({{ newly_gone_files(feed) }});

  delete from landing_batch where is_unchanged;
{%- endmacro %}

{#- The temporary table landing_parts (see duckdb__create_landing_batch). -#}
{% macro duckdb__landing_parts_sql() -%}
  create or replace temp table landing_parts as
  with parts as (
    select load_id, unnest(parts) as part, generate_subscripts(parts, 1) - 1 as number
    from landing_batch
    where error is null and not is_unchanged
  )

  select
    load_id,
    number as part,
    dense_rank() over (
      order by part.columns, part.extra, part.delimiter, part.newline, part.has_header, part.quoted_newlines
    ) as layout,
    part.columns,
    part.extra,
    part.delimiter,
    part.newline,
    part.has_header,
    part.quoted_newlines,
    part.read_path,
    part.record_count,
    part.first_line
  from parts
  where part.record_count > 0;
{%- endmacro %}

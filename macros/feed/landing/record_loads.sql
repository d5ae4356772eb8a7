{#-
  In the transaction that inserted a feed's records: write the ledger lines of the files just read, and take back the rows
  of a file whose staged rows disagree with the independent count, and those of people who were forgotten.

  Args:
    feed (string): the feed.
    staged (Relation): the staging table.
    is_new (boolean): the table was made from the beginning; the ledger of the feed is too.
-#}
{% macro duckdb__record_loads(feed, staged, is_new) -%}
  {%- set counted = run_query("select file from state.current_loads where feed = '" ~ feed ~ "'").columns[0].values() if is_new and not var('forget_missing') else [] -%}
  {%- do run_statements(duckdb__ledger_lines_sql(feed, staged, is_new)) -%}
  {%- do refuse_to_lose(counted) -%}
  {%- do refuse_rejected(feed) -%}
  {#- Most of the time every row may stay, and looking at each of them to find out takes a while. #}
  {%- set is_mixed = run_query(
    "select count(*) from state.loads where load_id in (select load_id from landing_batch) and (error is not null or forgotten_count > 0)"
  ).rows[0][0] > 0 -%}
  {%- if is_mixed -%}
    {%- do run_statements(
      "delete from " ~ staged ~ " where _load_id >= " ~ duckdb__first_load_id()
      ~ " and (_reject_reasons = ['forgotten'] or _load_id in (select load_id from state.loads where error is not null))"
    ) -%}
  {%- endif -%}
{%- endmacro %}

{#- With the var fail_above_quarantine_rate: a feed fails of whose newly read records a larger share was rejected. -#}
{% macro refuse_rejected(feed) -%}
  {%- set limit = var('fail_above_quarantine_rate', none) -%}
  {%- if limit is not none -%}
    {%- set rejected, judged = run_query(
      'select coalesce(sum(rejected_count), 0), coalesce(sum(accepted_count + rejected_count), 0) from state.loads'
      ~ ' where error is null and load_id in (select load_id from landing_batch)'
    ).rows[0] -%}
    {%- if judged and rejected > judged * (limit | float) -%}
      {{ exceptions.raise_compiler_error(
        rejected ~ ' of ' ~ judged ~ ' new records of ' ~ feed ~ ' were rejected, more than the var fail_above_quarantine_rate (' ~ limit
        ~ ') allows. Nothing of these files was loaded, and they are read again by the next build: correct them or the rules, or raise the var.'
        ~ ' To see what was rejected and why, build with --vars "{fail_above_quarantine_rate: null}".'
      ) }}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}

{#-
  Of a file whose newest version can't be read the earlier one counts, and a full refresh would lose it, because it begins
  without any. It fails, and with it goes what the model did. Args: the files that counted before it.
-#}
{% macro refuse_to_lose(counted) -%}
  {%- if counted -%}
    {%- set failed = run_query(
      'select file, max(error) from state.loads where load_id in (select load_id from landing_batch) and error is not null'
      ~ ' and file not in (select file from state.current_loads) group by file order by file'
    ).rows -%}
    {%- set lost = [] -%}
    {%- for file, error in failed if file in counted -%}{%- do lost.append(file ~ ' (' ~ error ~ ')') -%}{%- endfor -%}
    {%- if lost -%}
      {{ exceptions.raise_compiler_error(
        'A full refresh would lose the records of ' ~ lost | length ~ ' files whose newest version cannot be read: ' ~ lost[:20] | join(', ')
        ~ (', …' if lost | length > 20 else '')
        ~ ". Correct them, or build with --vars '{forget_missing: true}' to go on without them."
      ) }}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}

{% macro duckdb__ledger_lines_sql(feed, staged, is_new) -%}
  {%- if is_new %}
  delete from state.record_lines where load_id in (select load_id from state.loads where feed = '{{ feed }}');
  delete from state.loads where feed = '{{ feed }}';
  {%- endif %}
  insert into state.loads by name
  with staged as (
    select
      _load_id,
      count(*) as staged_count,
      count(*) filter (where _reject_reasons is null) as accepted_count,
      {#- A list is compared only where there is one: comparing it everywhere costs more than all other counts. #}
      count(case when _reject_reasons is null then null when _reject_reasons = ['forgotten'] then 1 end) as forgotten_count,
      count(*) filter (where _repaired_columns is not null and _reject_reasons is null) as repaired_count
    from {{ staged }}
    where _load_id >= {{ duckdb__first_load_id() }}
    group by _load_id
  )
  select
    batch.load_id,
    '{{ feed }}' as feed,
    batch.file,
    batch.ingest_date,
    batch.size_bytes,
    batch.modified_ns,
    '{{ rule_set() }}' as rule_set,
    '{{ invocation_id }}' as run_id,
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp) as loaded_at,
    coalesce(batch.retry, false) as can_retry,
    batch.records_read + coalesce(erased.erased_count, 0) as records_read,
    coalesce(staged.accepted_count, 0) as accepted_count,
    coalesce(staged.staged_count - staged.accepted_count - staged.forgotten_count, 0) as rejected_count,
    coalesce(staged.repaired_count, 0) as repaired_count,
    coalesce(staged.forgotten_count, 0) + coalesce(erased.erased_count, 0) as forgotten_count,
    case
      when batch.error is not null then batch.error
      when coalesce(staged.staged_count, 0) != batch.records_read
        then 'The file holds ' || batch.records_read || ' records but ' || coalesce(staged.staged_count, 0)
          || ' were read; it is withheld. Please report it, and deliver it again in another dialect.'
    end as error,
    {{ without_forgotten_text(feed, 'batch.error_detail') }} as error_detail,
    batch.changed_ns,
    batch.inode,
    batch.content_hash,
    false as is_gone,
    batch.note,
    batch.encoding,
    coalesce(batch.is_encoding_guessed, false) as is_encoding_guessed,
    batch.delimiter,
    batch.header_kind,
    batch.skipped_lines,
    case when decided.date_order = 'auto' then '{{ var("slash_date_order") }}' else decided.date_order end as date_order,
    coalesce(decided.date_order = 'auto', false) as is_date_order_assumed,
    case when decided.decimal = 'auto' then 'point' else decided.decimal end as decimal
  from landing_batch as batch
  left join staged on batch.load_id = staged._load_id
  left join (
    select
      file,
      size_bytes,
      modified_ns,
      max(erased_count) as erased_count
    from state.erased
    group by file, size_bytes, modified_ns
  ) as erased
    on batch.file = erased.file and batch.size_bytes = erased.size_bytes and batch.modified_ns = erased.modified_ns
  left join landing_decisions as decided on batch.load_id = decided.load_id;
{%- endmacro %}

{#- The first load id of the files being read, as a literal: a subquery would be joined to every row that is compared with it. -#}
{% macro duckdb__first_load_id() -%}
  {{ return(asked_once('select coalesce(min(load_id), 0) from landing_batch')[0][0]) }}
{%- endmacro %}

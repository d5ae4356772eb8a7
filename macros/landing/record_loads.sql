{#-
  Post-hook of a staging model, in the transaction that inserted its rows: write the ledger lines of the files just
  read, and take back the rows of a file whose staged rows disagree with the independent count, and those of people who
  were forgotten.

  Args:
    feed (string): the feed.
  Returns: SQL statements.
-#}
{% macro record_loads(feed) -%}
  {{ return(adapter.dispatch('record_loads')(feed)) }}
{%- endmacro %}

{% macro default__record_loads(feed) -%}
  {{ exceptions.raise_compiler_error('record_loads is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__record_loads(feed) -%}
  {%- if execute %}
    {%- set counted = run_query("select file from state.current_loads where feed = '" ~ feed ~ "'").columns[0].values() if should_full_refresh() and not var('forget_missing') else [] %}
    {%- do run_statements(duckdb__ledger_lines_sql(feed)) %}
    {%- do refuse_to_lose(counted) %}
    {#- Most of the time every row may stay, and looking at each of them to find out takes a while. #}
    {%- set is_mixed = run_query(
      "select count(*) from state.loads where load_id in (select load_id from landing_batch) and (error is not null or forgotten_count > 0)"
    ).rows[0][0] > 0 %}
    {%- if is_mixed %}
  delete from {{ this }}
  where
    _load_id >= {{ duckdb__first_load_id() }}
    and (_reject_reasons = ['forgotten'] or _load_id in (select load_id from state.loads where error is not null));
    {%- endif %}
  {%- endif %}
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

{% macro duckdb__ledger_lines_sql(feed) -%}
  {%- if should_full_refresh() %}
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
    from {{ this }}
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
      when batch.error is not null then {{ without_forgotten_text(feed, 'batch.error') }}
      when coalesce(staged.staged_count, 0) != batch.records_read
        then 'The file holds ' || batch.records_read || ' records but ' || coalesce(staged.staged_count, 0)
          || ' were read; it is withheld. Please report it, and deliver it again in another dialect.'
    end as error
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
    on batch.file = erased.file and batch.size_bytes = erased.size_bytes and batch.modified_ns = erased.modified_ns;
{%- endmacro %}

{#- The first load id of the files being read, as a literal: a subquery would be joined to every row that is compared with it. -#}
{% macro duckdb__first_load_id() -%}
  {{ return(asked_once('select coalesce(min(load_id), 0) from landing_batch')[0][0]) }}
{%- endmacro %}

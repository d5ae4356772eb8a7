{#-
  Erase a person: dbt run-operation forget --args '{feed: customers, column: email, value: jane@example.org}'

  1. A keyed hash of the value goes to state.suppressed: whatever comes with that value from now on is counted as
     forgotten and stored nowhere (see forgotten_condition).
  2. Landing files and the archive are rewritten without the records whose column holds the value.
  3. Loads that hold such records get a successor without them, so that the next build finds the difference, as it does
     for a rewritten file: entities, metrics, quarantine, lake and published files follow.
  4. That build is started when this command ends. When it has published, database files are written anew, so that no
     deleted row is left in a free page (purge_forgotten).

  Killed anywhere and run again, it does the rest, and counts all of it.

  Args:
    feed (string): the feed.
    column (string): a column of the feed as its source names it, whose value the staging model keeps under that name; or, of
      tenants' events, a personal column of the var payload_fields or one of its paths: the records whose payload holds the
      value at any path of that column, of whatever version.
    value (string): the value; trimmed, and folded if the column's meta says how (fold: lower or upper).
  Errors: an unknown feed or column, and an empty value, stop the operation. Files that may hold the value but cannot be
    read are named at the end, when everything else is done.
-#}
{% macro forget(feed, column, value) -%}
  {{ return(adapter.dispatch('forget')(feed, column, value | string)) }}
{%- endmacro %}

{% macro default__forget(feed, column, value) -%}
  {{ exceptions.raise_compiler_error('forget is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__forget(feed, column, value) -%}
  {%- if feed not in feeds() -%}
    {{ exceptions.raise_compiler_error("There is no feed '" ~ feed ~ "'; the feeds are " ~ feeds() | join(', ')) }}
  {%- endif -%}
  {%- do run_query(create_state()) -%}
  {%- set staged = adapter.get_relation(database=target.database, schema=target.schema, identifier='stg_landing__' ~ feed) -%}
  {%- set kept = adapter.get_columns_in_relation(staged) | map(attribute='name') | list if staged else landing_columns(feed).keys() | list -%}
  {%- set possible = landing_columns(feed).keys() | select('in', kept) | list -%}
  {%- set field = personal_field(feed, column) if column not in possible else none -%}
  {%- if column not in possible and not field -%}
    {{ exceptions.raise_compiler_error(
      "Records of " ~ feed ~ " cannot be found by '" ~ column ~ "'; give one of " ~ (possible + personal_fields(feed) | map(attribute='name') | list) | join(', ')
    ) }}
  {%- endif -%}
  {%- set column = field.name if field else column -%}
  {%- set fold = column_fold(feed, column) -%}
  {%- set hash = run_query('select ' ~ pii_hash('value') ~ ' from (select ' ~ clean_text('raw', fold) ~ ' as value from (select '
    ~ duckdb__text_literal(value) ~ ' as raw))').rows[0][0] -%}
  {%- if hash is none -%}
    {{ exceptions.raise_compiler_error('The value is empty; give the value that the records hold') }}
  {%- endif -%}
  {%- do run_query(
    "insert into state.suppressed select '" ~ feed ~ "', '" ~ column ~ "', '" ~ hash ~ "', current_timestamp at time zone 'UTC'"
    ~ " where '" ~ hash ~ "' not in (select value_hash from state.suppressed where feed = '" ~ feed ~ "' and column_name = '" ~ column ~ "')"
  ) -%}
  {%- do duckdb__end_transaction() -%}
  {%- do run_query('create or replace temp table erased_files as select unnest(sluice_unnoted_erasures(), recursive := true)') -%}
  {%- do run_statements(duckdb__note_erased_sql()) -%}
  {%- set places = [] -%}
  {%- if field -%}
    {%- for source in field.sources -%}{%- do places.append({'path': source.path[2:], 'part': source.part}) -%}{%- endfor -%}
  {%- endif -%}
  {%- do run_statements(
    'insert into erased_files select unnest(sluice_erase(' ~ duckdb__text_literal(feed) ~ ', '
    ~ duckdb__text_literal(landing_feed(feed)) ~ ', ' ~ duckdb__text_literal('payload' if field else column) ~ ', '
    ~ duckdb__text_literal(fold or '') ~ ', ' ~ duckdb__text_literal(value) ~ ', ' ~ duckdb__text_literal(tojson(places)) ~ '), recursive := true)'
  ) -%}
  {%- do run_query(duckdb__renew_loads_sql(feed, column, fold, staged, value)) -%}
  {%- do run_query('select sluice_erasures_noted()') -%}
  {%- set erased = run_query('select count(*), coalesce(sum(erased_count), 0) from erased_files where problem is null').rows[0] -%}
  {%- set renewed = run_query('select count(*), coalesce(sum(forgotten_count), 0) from renewed_loads').rows[0] -%}
  {%- do log(
    erased[1] ~ ' records taken out of ' ~ erased[0] ~ ' files; ' ~ renewed[1] ~ ' records of ' ~ renewed[0] ~ ' loads leave the tables with the next build.',
    info=true
  ) -%}
  {%- set folders = "['" ~ (flags.LOG_PATH or 'logs') ~ "', '" ~ (flags.TARGET_PATH or 'target') ~ "']" -%}
  {%- if not run_query('select sluice_build_at_exit(' ~ duckdb__text_literal(value) ~ ', ' ~ folders ~ ')').rows[0][0] -%}
    {%- do log('Run dbt build now: it carries this out.', info=true) -%}
  {%- endif -%}
  {%- set problems = run_query("select file || ': ' || problem from erased_files where problem is not null order by file").columns[0].values() -%}
  {%- if problems -%}
    {{ exceptions.raise_compiler_error(
      problems | length ~ ' files may hold the value and cannot be read. Remove or replace them, and run this again. ' ~ problems | join(' ')
    ) }}
  {%- endif -%}
{%- endmacro %}

{#-
  In one transaction: successors of the current loads that hold forgotten records, and what files lost. A file whose other
  records have to be read again (is_torn) gets none; the next build reads it as a changed file.
-#}
{% macro duckdb__renew_loads_sql(feed, column, fold, staged, value) -%}
  begin transaction;
  {{ duckdb__note_erased_sql() }};
  update state.loads
  set error = {{ duckdb__silent_error() }}
  where feed = '{{ feed }}' and contains(lower(error), lower(trim({{ duckdb__text_literal(value) }})));
  update state.loads
  set error_detail = {{ duckdb__silent_error() }}
  where feed = '{{ feed }}' and contains(lower(error_detail), lower(trim({{ duckdb__text_literal(value) }})));
  create or replace temp table renewed_loads (
    old_load_id integer, load_id integer, forgotten_count bigint, accepted_count bigint, rejected_count bigint, repaired_count bigint
  );
  {%- if staged %}
  insert into renewed_loads
  select _load_id, nextval('state.load_ids'), forgotten_count, accepted_count, rejected_count, repaired_count
  from (
    select
      _load_id,
      count(*) as forgotten_count,
      count(*) filter (where _reject_reasons is null) as accepted_count,
      count(_reject_reasons) as rejected_count,
      count(_repaired_columns) filter (where _reject_reasons is null) as repaired_count
    from {{ staged }} as staged
    where
      {{ duckdb__staged_forgotten_condition(feed, column, fold) }}
      and _load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
      and _load_id not in (
        select loads.load_id
        from state.loads as loads
        inner join erased_files
          on loads.file = erased_files.file and loads.size_bytes = old_size_bytes and loads.modified_ns = old_modified_ns
        where erased_files.is_torn
      )
    group by _load_id
    order by _load_id
  );
  insert into {{ staged }} by name
  select staged.* replace (renewed_loads.load_id as _load_id)
  from {{ staged }} as staged
  inner join renewed_loads on staged._load_id = renewed_loads.old_load_id
  where ({{ duckdb__staged_forgotten_condition(feed, column, fold) }}) is not true;
  insert into state.loads by name
  select
    loads.* replace (
      renewed_loads.load_id as load_id,
      coalesce(erased_files.size_bytes, loads.size_bytes) as size_bytes,
      coalesce(erased_files.modified_ns, loads.modified_ns) as modified_ns,
      case when erased_files.file is null then loads.changed_ns end as changed_ns,
      case when erased_files.file is null then loads.inode end as inode,
      case when erased_files.file is null then loads.content_hash end as content_hash,
      loads.accepted_count - renewed_loads.accepted_count as accepted_count,
      loads.rejected_count - renewed_loads.rejected_count as rejected_count,
      loads.repaired_count - renewed_loads.repaired_count as repaired_count,
      coalesce(loads.forgotten_count, 0) + renewed_loads.forgotten_count as forgotten_count
    )
  from state.loads as loads
  inner join renewed_loads on loads.load_id = renewed_loads.old_load_id
  left join erased_files
    on
      loads.file = erased_files.file
      and loads.size_bytes = erased_files.old_size_bytes
      and loads.modified_ns = erased_files.old_modified_ns;
  {%- if feed == 'transactions' %}
  delete from state.transaction_categories
  where id in (
    select id from {{ staged }} as staged where {{ duckdb__staged_forgotten_condition(feed, column, fold) }}
  );
  {%- endif %}
  {%- endif %}
  insert into state.purge_due select '{{ feed }}';
  commit;
{%- endmacro %}

{#-
  What was taken out of versions of files (the temporary table erased_files) comes to state.erased, once. A version that was
  made of another one lacks what that lacked, too.
-#}
{% macro duckdb__note_erased_sql() -%}
  insert into state.erased
  select file, size_bytes, modified_ns, erased_count + coalesce((
    select max(erased_count) from state.erased
    where file = erased_files.file and size_bytes = old_size_bytes and modified_ns = old_modified_ns
  ), 0)
  from erased_files
  where
    problem is null
    and not exists (
      select 1 from state.erased as known
      where
        known.file = erased_files.file
        and known.size_bytes = erased_files.size_bytes
        and known.modified_ns = erased_files.modified_ns
    )
{%- endmacro %}

{#- Before files are read: what a killed forget took out of them, and could not note. -#}
{% macro note_erased() -%}
  {{ return(adapter.dispatch('note_erased')()) }}
{%- endmacro %}

{% macro default__note_erased() -%}
  {{ exceptions.raise_compiler_error('note_erased is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__note_erased() -%}
  {%- if run_query('select len(sluice_unnoted_erasures())').rows[0][0] -%}
    {%- do run_query('create or replace temp table erased_files as select unnest(sluice_unnoted_erasures(), recursive := true)') -%}
    {%- do run_statements(duckdb__note_erased_sql()) -%}
    {%- do duckdb__end_transaction() -%}
    {%- do run_query('select sluice_erasures_noted()') -%}
  {%- endif -%}
{%- endmacro %}

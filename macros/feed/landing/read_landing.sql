{#-
  Insert the records of landing_batch into the staging table, in the transaction that is open.

  A file that breaks the reader (gone since it was looked at, more than the memory holds) becomes failed by name, and the
  others are read again without it. What only the whole file tells, how it writes day, month and decimals, is added up
  from its records (_forms), and the files whose values would come out otherwise are read again.

  Args:
    feed (string): the feed.
    staged (Relation): the staging table.
    is_new (boolean): make the table from the beginning.
  Errors: what is wrong with the model rather than with a file is raised.
-#}
{% macro duckdb__read_landing(feed, staged, is_new) -%}
  {%- set prepare = duckdb__prepare_staged_sql(staged, is_new) -%}
  {%- set done = [] -%}
  {%- for _ in range(1000) if not done -%}
    {%- set problem = try_statements(
      'create or replace temp view landing_records as ' ~ without_forgotten(feed, duckdb__landing_records_sql(feed)) ~ ';'
      ~ prepare ~ 'set preserve_insertion_order = true; insert into ' ~ staged ~ ' by name select * from (' ~ compiled_code ~ '); reset preserve_insertion_order;'
    ) -%}
    {%- if problem -%}
      {%- do duckdb__blame(feed, staged, problem) -%}
    {%- else -%}
      {%- do done.append(true) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- do duckdb__withdraw_changed_files(staged) -%}
  {%- set columns = adapter.get_columns_in_relation(staged) | map(attribute='name') | list -%}
  {%- if '_forms' in columns -%}
    {%- do duckdb__settle_forms(feed, staged) -%}
  {%- endif -%}
  {%- if '_line' in columns -%}
    {%- do run_statements(duckdb__number_lines_sql(staged)) -%}
  {%- endif -%}
{%- endmacro %}

{#- Files that changed between being looked at and having been read: their rows are taken back, and they are tried again. -#}
{% macro duckdb__withdraw_changed_files(staged) -%}
  {%- set changed = run_query(
    'select load_id from (select unnest(list(load_id)) as load_id, unnest(sluice_has_changed(list(path), list(size_bytes), list(modified_ns),'
    ~ ' list(changed_ns), list(inode))) as has_changed from landing_batch where error is null and not is_archived) where has_changed'
  ).columns[0].values() | join(', ') -%}
  {%- if changed -%}
    {%- do run_statements(
      "update landing_batch set error = 'The file changed while it was read. It is tried again at every build.', retry = true where load_id in (" ~ changed
      ~ '); delete from landing_parts where load_id in (' ~ changed ~ '); delete from ' ~ staged ~ ' where _load_id in (' ~ changed ~ ')'
    ) -%}
  {%- endif -%}
{%- endmacro %}

{#- The statements that make the table, or give it the columns that the model has got since. -#}
{% macro duckdb__prepare_staged_sql(staged, is_new) -%}
  {%- do run_statements('create or replace temp view landing_records as ' ~ duckdb__landing_records_sql(config.get('meta').feed, [])) -%}
  {%- if is_new -%}
    {{ return('create or replace table ' ~ staged ~ ' as select * from (' ~ compiled_code ~ ') limit 0; ') }}
  {%- endif -%}
  {%- if is_built_from("'" ~ local_md5(compiled_code) ~ "'") -%}{{ return('') }}{%- endif -%}
  {%- set present = adapter.get_columns_in_relation(staged) | map(attribute='name') | map('lower') | list -%}
  {%- set statements = [] -%}
  {%- for name, type in run_query('select column_name, column_type from (describe select * from (' ~ compiled_code ~ '))').rows if name | lower not in present -%}
    {%- do statements.append('alter table ' ~ staged ~ ' add column "' ~ name ~ '" ' ~ type ~ '; ') -%}
  {%- endfor -%}
  {{ return(statements | join) }}
{%- endmacro %}

{#-
  Mark the file that stopped a batch as failed: the one whose path the message names, else those that cannot be read by
  themselves.

  Args:
    problem (mapping {kind, message}): the error (see try_statements).
  Errors: raised again when it is not of the data, or no single file is guilty.
-#}
{% macro duckdb__blame(feed, staged, problem) -%}
  {%- set named = "select distinct load_id from landing_parts where contains(" ~ duckdb__text_literal(problem.message) ~ ", read_path)" -%}
  {%- set guilty = run_query(named).columns[0].values() | list -%}
  {%- if not guilty and problem.is_of_data -%}
    {%- set guilty = duckdb__loads_that_break(feed, run_query('select distinct load_id from landing_parts order by load_id').columns[0].values() | list) -%}
  {%- endif -%}
  {%- if not guilty -%}
    {{ exceptions.raise_compiler_error('The records of ' ~ feed ~ ' could not be read: ' ~ problem.message) }}
  {%- endif -%}
  {%- do run_statements(
    "update landing_batch set error = 'The file could not be read (" ~ problem.kind ~ "). It is tried again at every build.', retry = true,"
    ~ " error_detail = " ~ duckdb__text_literal(problem.message) ~ " where load_id in (" ~ guilty | join(', ') ~ ");"
    ~ " delete from landing_parts where load_id in (" ~ guilty | join(', ') ~ "); commit; begin transaction"
  ) -%}
{%- endmacro %}

{#-
  The loads whose files cannot be read, found by reading halves of halves: of a thousand files with one that breaks its reader,
  twenty reads. Args: feed (string), loads (list of load ids). Returns: a list of load ids; none where each half can be read.
-#}
{% macro duckdb__loads_that_break(feed, loads) -%}
  {%- set problem = try_statements(
    'create or replace temp view landing_records as ' ~ duckdb__landing_records_sql(feed, loads) ~ ';'
    ~ 'create or replace temp table read_apart as ' ~ compiled_code ~ '; drop table read_apart;'
  ) -%}
  {%- if not problem -%}{{ return([]) }}{%- endif -%}
  {%- if loads | length == 1 -%}{{ return(loads) }}{%- endif -%}
  {%- set middle = loads | length // 2 -%}
  {{ return(duckdb__loads_that_break(feed, loads[:middle]) + duckdb__loads_that_break(feed, loads[middle:])) }}
{%- endmacro %}

{#-
  Decide how each file writes day, month and decimals, and read those files again whose values come out otherwise than
  they were read first.
-#}
{% macro duckdb__settle_forms(feed, staged) -%}
  {%- do run_statements(
    'create or replace temp table landing_forms as select _load_id as load_id, bit_or(_forms) as forms from ' ~ staged
    ~ ' where _load_id >= ' ~ duckdb__first_load_id() ~ ' group by _load_id having bit_or(_forms) > 0'
  ) -%}
  {%- if run_query('select count(*) from landing_forms').rows[0][0] -%}
    {%- set decided -%}
      create or replace temp table landing_decisions as
      select
        batch.load_id,
        forms.forms,
        case
          when batch.date_order = 'auto' or {{ decided_order('forms.forms') }} is null then {{ decided_order('forms.forms') }}
          else batch.date_order
        end as date_order,
        case
          when batch.decimal = 'auto' or {{ decided_decimal('forms.forms') }} is null then {{ decided_decimal('forms.forms') }}
          else batch.decimal
        end as decimal
      from landing_batch as batch
      inner join landing_forms as forms on batch.load_id = forms.load_id;
    {%- endset -%}
    {%- do run_statements(decided) -%}
    {%- set otherwise -%}
      select decided.load_id
      from landing_decisions as decided
      inner join landing_batch as batch on decided.load_id = batch.load_id
      where
        (batch.date_order = 'auto' and decided.date_order != 'auto' and (
          decided.forms & 64 > 0 or (decided.forms & 4 > 0 and decided.date_order != '{{ var("slash_date_order") }}')
        ))
        or (batch.decimal = 'auto' and (decided.decimal = 'comma' or (decided.decimal = 'mixed' and decided.forms & 32 > 0)))
      order by decided.load_id
    {%- endset -%}
    {%- set again = run_query(otherwise).columns[0].values() | list -%}
    {%- if again -%}
      {%- do run_statements(
        'update landing_batch as batch set date_order = coalesce(decided.date_order, batch.date_order), decimal = coalesce(decided.decimal, batch.decimal)'
        ~ ' from landing_decisions as decided where batch.load_id = decided.load_id and batch.load_id in (' ~ again | join(', ') ~ ')'
      ) -%}
      {%- do run_statements(
        'delete from ' ~ staged ~ ' where _load_id in (' ~ again | join(', ') ~ ');'
        ~ 'create or replace temp view landing_records as ' ~ without_forgotten(feed, duckdb__landing_records_sql(feed, again)) ~ ';'
        ~ 'set preserve_insertion_order = true; insert into ' ~ staged ~ ' by name select * from (' ~ compiled_code ~ '); reset preserve_insertion_order;'
      ) -%}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}

{#-
  The lines of records whose raw text is kept: rejected ones, and those that may have to wait. Rows are inserted in the order of their file (preserve_insertion_order), so a row's place
  among those of its load is its place in the file; landing_parts and the reader's runs of lines say where that is. A row
  whose model did not keep the order has no line.
-#}
{% macro duckdb__number_lines_sql(staged) -%}
  {%- set lines_path = run_query("select max(lines_path) from landing_batch where error is null").rows[0][0] -%}
  create or replace temp table landing_runs as
  with parts as (
    select
      load_id,
      part,
      record_count,
      first_line,
      cast(sum(record_count) over (
        partition by load_id order by layout, part rows between unbounded preceding and 1 preceding
      ) as bigint) as records_before
    from landing_parts
  ),

  runs as (
    select load_id, part, cast(0 as bigint) as ordinal, first_line as line from parts
    {%- if lines_path %}
    union
    select batch.load_id, lines.part, lines.ordinal, lines.line
    from read_parquet({{ duckdb__text_literal(lines_path) }}) as lines
    inner join landing_batch as batch on lines.number = batch.number
    {%- endif %}
  )

  select parts.load_id, coalesce(parts.records_before, 0) + runs.ordinal as ordinal, max(runs.line) as line
  from parts
  inner join runs on parts.load_id = runs.load_id and parts.part = runs.part
  group by all;

  insert into state.record_lines
  with firsts as (
    select _load_id, min(rowid) as first_row
    from {{ staged }}
    where _load_id >= {{ duckdb__first_load_id() }} and _line is null
    group by _load_id
    having max(rowid) - min(rowid) + 1 = count(*)
  ),

  kept as (
    select
      staged._load_id as load_id,
      {{ key_hash(['staged._raw_record']) }} as raw_hash,
      staged.rowid - firsts.first_row as ordinal
    from {{ staged }} as staged
    inner join firsts on staged._load_id = firsts._load_id
    where staged._line is null and staged._raw_record is not null
  )

  select
    kept.load_id,
    kept.raw_hash,
    row_number() over (partition by kept.load_id, kept.raw_hash) as occurrence,
    runs.line + kept.ordinal - runs.ordinal as line
  from kept
  asof join landing_runs as runs on kept.load_id = runs.load_id and kept.ordinal >= runs.ordinal;
{%- endmacro %}

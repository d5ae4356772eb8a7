{#-
  Publish a folder of SQLite files, one per value of a column, such as one per tenant. Only the files whose rows changed
  are written, each in one transaction; the changed rows of all of them go to one staging file, in one pass per table.

  The published models of such a folder belong to one feed and have besides (see publish)
    published.file_by      the column that names the file; it is no column of the published table
    published.names_files  true, of one of them: each file there should be has rows in it

  A file is written when a row of it changed since the folder's own state (published/<folder>/.sluice.json), and whole when
  it is missing or not as that state notes it. All files are written whole when the state is of another layout or warehouse,
  or reflects a change that the warehouse does not know. A build that was killed between two files is completed by the next.

  Args:
    database (string): the folder below published/.
    models (list of nodes): its published models.
    built (list of strings): unique ids of the models built in this run.
    released (list of strings): the feeds that may be published.
-#}
{% macro publish_files(database, models, built, released) -%}
  {{ return(adapter.dispatch('publish_files')(database, models, built, released)) }}
{%- endmacro %}

{% macro default__publish_files(database, models, built, released) -%}
  {{ exceptions.raise_compiler_error('publish_files is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__publish_files(database, models, built, released) -%}
  {%- set feed = models[0].config.meta.feed -%}
  {%- if feed in warehouse_state().batches and feed in released and built_feed(feed, database, built) -%}
    {%- set tables = duckdb__file_tables(models) -%}
    {%- set publication = {'tables': tables, 'build': published_build()} -%}
    {%- set layout = local_md5(tojson([warehouse_state().id, var('publish_days', none), tables])) -%}
    {%- set state = files_behind(database, [feed], layout) -%}
    {%- set since = state.behind.get(feed, warehouse_state().batches[feed]) -%}
    {%- set due = run_query(
      duckdb__files_to_publish_sql(database, models, feed, since)
      ~ "; select count(*) filter (where is_due), count(*) filter (where is_due and is_full), count(*) filter (where is_surplus) from files_to_publish"
    ).rows[0] -%}
    {%- set is_done = true -%}
    {%- if due[0] or due[2] -%}
      {%- set arguments = "'" ~ database ~ "', " ~ duckdb__text_literal(tojson(publication)) -%}
      {%- set staging = run_query('select sluice_prepare_publication(' ~ arguments ~ ')').rows[0][0] -%}
      {#- Nothing is published that could still be rolled back. -#}
      {%- do adapter.commit() -%}
      {%- set fill = [] -%}
      {%- for node in models if due[0] -%}{%- do fill.extend(duckdb__file_rows(node, since, due[1], due[0] - due[1])) -%}{%- endfor -%}
      {%- do duckdb__fill_staging_file(staging, fill) -%}
      {%- set is_done = run_query(
        "select sluice_publish_files(" ~ arguments
        ~ ", (select cast(to_json(coalesce(list({'name': name, 'is_full': is_full} order by name), [])) as varchar) from files_to_publish where is_due)"
        ~ ", (select cast(to_json(coalesce(list(name), [])) as varchar) from files_to_publish where not is_surplus))"
      ).rows[0][0] -%}
    {%- endif -%}
    {%- if not is_done -%}
      {#- A file turned out to be damaged, and was removed: it is made again from all of its rows. -#}
      {%- do duckdb__publish_files(database, models, built, released) -%}
    {%- elif state.behind or due[0] or due[2] -%}
      {%- do note_files(database, state) -%}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}

{#- The tables of a folder's files, as sluice_publish_files takes them. Their columns are those of the models' contracts. -#}
{% macro duckdb__file_tables(models) -%}
  {%- set tables = [] -%}
  {%- for node in models -%}
    {%- set published = node.config.meta.published -%}
    {%- set columns = [] -%}
    {%- for column in node.columns.values() if column.name != published.file_by and not column.name.startswith('_') -%}
      {%- do columns.append([column.name, duckdb__sqlite_type(column.data_type)]) -%}
    {%- endfor -%}
    {%- do tables.append({
      'name': published.table,
      'columns': columns,
      'key': published.get('key', []),
      'indexes': published.get('indexes', []),
      'mode': 'replace',
      'changed_by': published.changed_by.keys() | reject('equalto', published.file_by) | list,
      'file_by': published.file_by,
    }) -%}
  {%- endfor -%}
  {{ return(tables) }}
{%- endmacro %}

{#-
  The files there are and those there should be: name, is_surplus, is_due (to be written), is_full (with all its rows).
-#}
{% macro duckdb__files_to_publish_sql(database, models, feed, since) -%}
  {%- set names = models | selectattr('config.meta.published.names_files', 'defined') | first -%}
  {%- set file_by = names.config.meta.published.file_by -%}
  create or replace temp table files_to_publish as
  with listed as (
    select unnest(from_json(sluice_published_files('{{ database }}'), '[{"name": "VARCHAR", "is_noted": "BOOLEAN"}]'), recursive := true)
  ),

  wanted as (
    select distinct {{ file_by }} as name from {{ names.relation_name }}
  ),

  compared as (
    select
      coalesce(wanted.name, listed.name) as name,
      wanted.name is null as is_surplus,
      {{ 'true' if since is none else 'listed.is_noted is not true' }} as is_unknown
    from wanted
    full join listed on wanted.name = listed.name
  )

  select
    name,
    is_surplus,
    not is_surplus and (
      is_unknown
      {%- if since is not none %}
      or name in (select {{ file_by }} from state.changed_{{ feed }} where batch_id > {{ since }})
      {%- endif %}
    ) as is_due,
    is_unknown or {{ var('publish_days', none) is not none }} as is_full
  from compared
{%- endmacro %}

{#- The steps that stage the rows of one table: those of files due in full, and the changed ones of the others. -#}
{% macro duckdb__file_rows(node, since, full_count, changed_count) -%}
  {%- set published = node.config.meta.published -%}
  {%- set feed = node.config.meta.feed -%}
  {%- set file_by = published.file_by -%}
  {%- set columns = [file_by] -%}
  {%- for column in node.columns if column != file_by and not column.startswith('_') -%}{%- do columns.append(column) -%}{%- endfor -%}
  {%- set select = 'select ' ~ columns | map('tojson') | join(', ') ~ ' from ' -%}
  {%- set order = ' order by ' ~ ([file_by] + published.key) | map('tojson') | join(', ') -%}
  {%- set due = file_by ~ ' in (select name from files_to_publish where is_due and ' -%}
  {%- set steps = [] -%}
  {%- if full_count -%}
    {%- set is_due = due ~ 'is_full)' -%}
    {%- set rows = duckdb__over_rows(node.unique_id, {feed: is_due}, feed) -%}
    {%- do steps.append([published.table, select ~ duckdb__rows_in_window(rows, published) ~ ' where ' ~ is_due ~ order]) -%}
  {%- endif -%}
  {%- if changed_count -%}
    {%- set is_due = due ~ 'not is_full)' -%}
    {%- set log = ' from state.changed_' ~ feed ~ ' where batch_id > ' ~ since ~ ' and ' ~ is_due -%}
    {%- set instant = event_instants()[feed] -%}
    {%- set span = asked_once('select min(' ~ instant ~ '), max(' ~ instant ~ ')' ~ log)[0] -%}
    {%- set conditions = duckdb__spans_of_groups(node, feed, log) -%}
    {%- do conditions.update({feed: instant ~ " between timestamp '" ~ span[0] ~ "' and timestamp '" ~ span[1]
      ~ "' and _key_hash in (select _key_hash" ~ log ~ ')'}) -%}
    {%- set rows = duckdb__over_rows(node.unique_id, conditions, feed) -%}
    {%- do steps.append([published.table ~ '__changed', 'select distinct ' ~ duckdb__named_groups(published) ~ log]) -%}
    {%- set is_changed = 'true' if published.get('by_key')
      else '(' ~ published.changed_by.keys() | join(', ') ~ ') in (select ' ~ published.changed_by.values() | join(', ') ~ log ~ ')' -%}
    {%- do steps.append([published.table, select ~ rows ~ ' as published where ' ~ is_changed ~ ' and ' ~ is_due ~ order]) -%}
  {%- endif -%}
  {{ return(steps) }}
{%- endmacro %}

{#- Rows limited, by the var publish_days, to the newest days of each file's own event dates, events of the future apart. -#}
{% macro duckdb__rows_in_window(rows, published) -%}
  {%- set days = var('publish_days', none) -%}
  {%- if days is none or not published.get('event_date') -%}{{ return(rows ~ ' as published') }}{%- endif -%}
  {%- set of_file = ' over (partition by ' ~ published.file_by ~ ')' -%}
  {%- set newest = 'coalesce(max(' ~ published.event_date ~ ') filter (where ' ~ published.event_date ~ ' <= '
    ~ instant_text(future_begins()) ~ ')' ~ of_file ~ ', max(' ~ published.event_date ~ ')' ~ of_file ~ ')' -%}
  {{ return(
    '(select * from ' ~ rows ~ ' as published qualify ' ~ published.event_date ~ ' >= strftime(cast(left(' ~ newest
    ~ ', 10) as date) - interval ' ~ (days | int - 1) ~ " day, '%Y-%m-%d')) as limited"
  ) }}
{%- endmacro %}

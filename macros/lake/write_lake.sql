{#-
  After publishing: bring lake/ up to date, for the feeds whose published tables were brought up to date as well.

  Only the partitions that changed since the lake's own state (lake/.sluice.json) are written: all of a feed's when it
  was made anew, or when the lake belongs to another warehouse. Everything is written aside first, then renamed file by
  file, then the state is noted; what a killed build left undone is done by the next.

  Args:
    results (list of RunResult): the results of the run.
    feeds (list): the feeds that were published in full (published_feeds).
-#}
{% macro write_lake(feeds) -%}
  {{ return(adapter.dispatch('write_lake')(feeds)) }}
{%- endmacro %}

{% macro default__write_lake(feeds) -%}
  {{ exceptions.raise_compiler_error('write_lake is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__write_lake(feeds) -%}
  {%- set files = files_behind('lake', feeds) -%}
  {%- if files.behind -%}
    {%- do run_statements('set partitioned_write_max_open_files = 1000') -%}
    {%- set staging = run_query('select sluice_lake_staging()').rows[0][0] -%}
    {%- set moves = [] -%}
    {%- for feed, since in files.behind.items() -%}
      {%- for table in lake_tables(feed) -%}
        {%- set changed = duckdb__changed_partitions(table, feed, since) -%}
        {%- set partitions = changed if since is not none else duckdb__all_partitions(table, feed) -%}
        {%- for first in range(0, partitions | length, 500) -%}
          {%- do run_statements(duckdb__copy_partitions(table, partitions[first:first + 500], staging, since is none)) -%}
        {%- endfor -%}
        {%- if since is none or changed -%}{%- do moves.append([table, changed if since is not none else none]) -%}{%- endif -%}
      {%- endfor -%}
    {%- endfor -%}
    {%- for table, changed in moves -%}
      {%- set folders = [] -%}
      {%- for value in changed or [] -%}{%- do folders.append(table.partition ~ '=' ~ value) -%}{%- endfor -%}
      {%- do run_query(
        "select sluice_replace_partitions('" ~ table.name ~ "', '" ~ table.file ~ "', '" ~ (tojson(folders) if changed is not none else 'null') ~ "')"
      ) -%}
    {%- endfor -%}
    {%- do note_files('lake', files) -%}
  {%- endif -%}
{%- endmacro %}

{#-
  The tables of the lake that belong to a feed.

  Args:
    feed (string): the feed.
  Returns: a list of mappings
    name        folder of the table below lake/
    file        name of the file in each partition: `data`, or the feed where several feeds share a table
    partition   column that the table is partitioned by
    query       SQL query with that column and those of the files
    changed     list of SQL queries over the logs: the partitions that changed; SINCE stands for the batch
-#}
{% macro lake_tables(feed) -%}
  {%- set rows_changed = "select distinct ingest_date from state.changed_" ~ feed ~ " where batch_id > SINCE" -%}
  {%- set loads_changed = "select distinct loads.ingest_date from state.changed_loads as changed join state.loads as loads on changed.load_id = loads.load_id"
    ~ " where changed.feed = '" ~ feed ~ "' and changed.batch_id > SINCE" -%}
  {%- set instant = event_instants().get(feed) -%}
  {%- set days_changed = "select distinct cast(" ~ instant ~ " as date) from state.changed_" ~ feed ~ " where batch_id > SINCE" -%}
  {%- set clean = {'name': 'clean/' ~ feed, 'query': 'select ' ~ lake_columns(feed) | join(', ') ~ ', ingest_date, _load_id from ' ~ lake_relation(feed)} -%}
  {%- set tables = [] -%}
  {%- for table in lake_models(feed) or [clean] -%}
    {%- do tables.append(dict(table, file='data', partition='ingest_date', changed=[rows_changed], by_load=true)) -%}
  {%- endfor -%}
  {%- do tables.extend([
    {'name': 'quarantine/' ~ feed, 'file': 'data', 'partition': 'ingest_date', 'changed': [loads_changed],
     'query': 'select feed, file, reject_reasons[1] as reject_reason, reject_reasons, raw_record, loaded_at, ingest_date, _load_id from '
       ~ lake_relation('quarantine') ~ " where feed = '" ~ feed ~ "'", 'by_load': true},
    {'name': 'metrics/daily_metrics', 'file': feed, 'partition': 'ingest_date', 'changed': [rows_changed, loads_changed],
     'query': 'select * from ' ~ lake_relation('daily_metrics') ~ " where feed = '" ~ feed ~ "'"},
  ]) -%}
  {%- if instant -%}
    {%- do tables.append({'name': 'metrics/hourly_events', 'file': feed, 'partition': 'event_date', 'changed': [days_changed],
      'query': 'select * from ' ~ lake_relation('hourly_events') ~ " where feed = '" ~ feed ~ "'"}) -%}
  {%- endif -%}
  {%- if feed in ('service_events', 'tenant_events') -%}
    {%- for bucket in ('minute', 'hour', 'day') -%}
      {%- set model = (feed | replace('_events', '_metrics')) ~ '_per_' ~ bucket -%}
      {%- do tables.append({'name': 'metrics/' ~ model, 'file': 'data', 'partition': 'event_date', 'changed': [days_changed],
        'query': 'select *, cast(' ~ bucket ~ ' as date) as event_date from ' ~ lake_relation(model)}) -%}
    {%- endfor -%}
  {%- elif feed == 'orders' -%}
    {%- do tables.append({'name': 'metrics/daily_order_totals', 'file': 'data', 'partition': 'ingest_date', 'changed': [rows_changed],
      'query': 'select * from ' ~ lake_relation('daily_order_totals')}) -%}
  {%- endif -%}
  {{ return(tables) }}
{%- endmacro %}

{#-
  The models that say that they are the clean records of a feed: by `lake: {table: clean/…}` in their meta. They hold
  nothing personal but hashes, ingest_date and _load_id. A feed without one has its entity there.

  Args:
    feed (string): the feed.
  Returns: a list of mappings {name, query}.
-#}
{% macro lake_models(feed) -%}
  {%- set tables = [] -%}
  {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.meta.get('lake') and node.config.meta.get('feed') == feed -%}
    {%- do tables.append({'name': node.config.meta.lake.table, 'query': 'select * exclude (_key_hash) from ' ~ lake_relation(node.name)}) -%}
  {%- endfor -%}
  {{ return(tables | sort(attribute='name')) }}
{%- endmacro %}

{#- The relation of a model of the lake, by the model's name. -#}
{% macro lake_relation(model) -%}
  {{ return(api.Relation.create(database=target.database, schema=target.schema, identifier=model) | string) }}
{%- endmacro %}

{#- The columns of a feed in lake/clean, as select items: personal data (meta pii of the source) as *_key only. -#}
{% macro lake_columns(feed) -%}
  {%- set personal = [] -%}
  {%- for source in graph.sources.values() if source.source_name == 'landing' and source.name == feed -%}
    {%- for column in source.columns.values() if column.get('config', {}).get('meta', {}).get('pii') or column.get('meta', {}).get('pii') -%}
      {%- do personal.append(column.name) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set items = [] -%}
  {%- for column in entity(feed).columns -%}
    {%- do items.append(pii_hash(column) ~ ' as ' ~ modules.re.sub('_id$', '', column) ~ '_key' if column in personal else column) -%}
  {%- endfor -%}
  {{ return(items) }}
{%- endmacro %}

{#- The partitions of a table that changed since a batch, as sorted text; of a table that is written anew, none. -#}
{% macro duckdb__changed_partitions(table, feed, since) -%}
  {%- if since is none -%}{{ return([]) }}{%- endif -%}
  {%- set queries = table.changed | join(' union ') | replace('SINCE', since | string) -%}
  {{ return(run_query('select cast(value as varchar) from (' ~ queries ~ ') as changed(value) order by 1').columns[0].values() | list) }}
{%- endmacro %}

{#- All partitions of a table, and perhaps dates of which it has no row: those of files are taken from the ledger. -#}
{% macro duckdb__all_partitions(table, feed) -%}
  {%- set found = "state.current_loads where feed = '" ~ feed ~ "'" if table.partition == 'ingest_date' else '(' ~ table.query ~ ')' -%}
  {{ return(run_query('select distinct cast(' ~ table.partition ~ ' as varchar) from ' ~ found ~ ' order by 1').columns[0].values() | list) }}
{%- endmacro %}

{#- Write partitions of a table, given as consecutive dates, below the staging folder. -#}
{% macro duckdb__copy_partitions(table, partitions, staging, is_all) -%}
  {%- set dates = "('" ~ partitions | join("', '") ~ "')" -%}
  copy (
    select *{{ ' exclude (_load_id)' if table.by_load }} from ({{ table.query }})
    where
      {{ table.partition }} between '{{ partitions[0] }}' and '{{ partitions[-1] }}'
      {%- if not is_all %}
      and {{ table.partition }} in {{ dates }}
      {%- if table.by_load %}
      and _load_id in (select load_id from state.current_loads where ingest_date in {{ dates }})
      {%- endif %}
      {%- endif %}
  ) to {{ duckdb__text_literal(staging ~ '/' ~ (table.name | replace('/', '.')) ~ '.' ~ table.file) }}
  (format parquet, compression zstd, compression_level 1, partition_by ({{ table.partition }}), overwrite_or_ignore)
{%- endmacro %}

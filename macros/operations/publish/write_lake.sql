{#-
  After publishing: bring lake/ up to date, for the feeds whose published tables were brought up to date as well.

  Only the partitions are written that changed since the lake's own state (lake/.sluice.json), or whose files are not as
  it notes them: all of a feed's when it was made anew, or when the lake reflects a change that the warehouse does not
  know. A partition that rows only came to gets a file of those rows beside its own. Everything is written aside first,
  then renamed partition by partition, then the state is noted; what a killed build left undone is done by the next.

  Args:
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
  {%- if files.behind or files.touched -%}
    {%- do run_statements('set partitioned_write_max_open_files = 1000') -%}
    {%- set staging = run_query('select sluice_lake_staging()').rows[0][0] -%}
    {%- set moves = [] -%}
    {%- for feed in files.current if feed in files.behind or files.touched -%}
      {%- set since = files.behind.get(feed, files.current[feed]) -%}
      {%- for table in lake_tables(feed, since) -%}
        {%- set touched = files.touched.pop(table.name ~ '/' ~ table.file, []) -%}
        {%- set changed = duckdb__changed_partitions(table, since) if feed in files.behind else [] -%}
        {%- set lost = touched | reject('in', changed) | list -%}
        {%- if lost and since is not none -%}
          {%- do print('lake/' ~ table.name ~ ' is not as the last build left it; written again: ' ~ lost[:5] | join(', ') ~ (', …' if lost | length > 5 else '')) -%}
        {%- endif -%}
        {%- set grown = duckdb__grown_partitions(table, changed) | reject('in', touched) | list -%}
        {%- set changed = changed + lost -%}
        {%- set rewritten = (changed | reject('in', grown) | sort) if since is not none else duckdb__all_partitions(table, feed) -%}
        {%- set parts = {'': {'query': table.query, 'partitions': rewritten, 'by_load': table.by_load}} -%}
        {%- if grown -%}
          {%- do parts.update({'-' ~ since: {'query': table.added.query, 'partitions': grown}}) -%}
        {%- endif -%}
        {%- if table.waiting -%}
          {%- do parts.update({'-waiting': {'query': table.waiting, 'partitions': (rewritten + grown) | sort, 'by_load': table.by_load}}) -%}
        {%- endif -%}
        {%- for rest, part in parts.items() -%}
          {%- set folder = staging ~ '/' ~ (table.name | replace('/', '.')) ~ '.' ~ table.file ~ rest -%}
          {%- for first in range(0, part.partitions | length, 500) -%}
            {%- do run_statements(duckdb__copy_partitions(table.partition, part, part.partitions[first:first + 500], folder, since is none)) -%}
          {%- endfor -%}
        {%- endfor -%}
        {%- if since is none or changed -%}
          {%- set change = {
            'written': parts.keys() | list,
            'rewritten': duckdb__folders(table.partition, rewritten) if since is not none else none,
            'grown': duckdb__folders(table.partition, grown),
          } -%}
          {%- do moves.append("sluice_change_partitions('" ~ table.name ~ "', '" ~ table.file ~ "', '" ~ tojson(change) ~ "')") -%}
        {%- endif -%}
      {%- endfor -%}
    {%- endfor -%}
    {%- for move in moves -%}{%- do run_query('select ' ~ move) -%}{%- endfor -%}
    {%- do note_files('lake', files) -%}
  {%- endif -%}
{%- endmacro %}

{#-
  The tables of the lake that belong to a feed.

  Args:
    feed (string): the feed.
    since (integer): the batch that the lake reflects; none: everything is written.
  Returns: a list of mappings
    name        folder of the table below lake/
    file        name of the file in each partition: `data`, or the feed where several feeds share a table
    partition   column that the table is partitioned by
    query       SQL query with that column and those of the files
    changed     list of SQL queries over the logs: the partitions that changed
    added       of a table whose added rows can be told, a mapping {partitions, query} of SQL queries: the partitions that
                rows only came to, and the rows, with the columns of query
    waiting     of a table some of whose rows may leave it at any time, a query of those; they have a file of their own,
                and the others in query and added
    by_load     true: query and waiting have a column _load_id as well
-#}
{% macro lake_tables(feed, since) -%}
  {%- set rows_changed = "select distinct ingest_date from state.changed_" ~ feed ~ " where batch_id > " ~ since -%}
  {%- set loads_changed = "select distinct loads.ingest_date from state.changed_loads as changed join state.loads as loads on changed.load_id = loads.load_id"
    ~ " where changed.feed = '" ~ feed ~ "' and changed.batch_id > " ~ since -%}
  {%- set instant = event_instants().get(feed) -%}
  {%- set days_changed = "select distinct cast(" ~ instant ~ " as date) from state.changed_" ~ feed ~ " where batch_id > " ~ since -%}
  {%- set columns = 'select ' ~ lake_columns(feed) | join(', ') ~ ', ingest_date' -%}
  {%- set log = ' from state.changed_' ~ feed ~ ' where batch_id > ' ~ since -%}
  {%- set clean = {
    'name': 'clean/' ~ feed,
    'query': columns ~ ', _load_id from ' ~ relation_of(feed),
    'added': {'query': columns ~ log, 'partitions': 'select ingest_date' ~ log ~ ' group by ingest_date having min(sign) > 0'},
  } -%}
  {%- set tables = [] -%}
  {%- for table in lake_models(feed) or [clean] -%}
    {%- do tables.append(dict(table, file='data', partition='ingest_date', changed=[rows_changed], by_load=true)) -%}
  {%- endfor -%}
  {%- do tables.extend([
    dict(duckdb__lake_quarantine(feed, since), file='data', partition='ingest_date', changed=[loads_changed], by_load=true),
    {'name': 'metrics/daily_metrics', 'file': feed, 'partition': 'ingest_date', 'changed': [rows_changed, loads_changed],
     'query': 'select * from ' ~ relation_of('daily_metrics') ~ " where feed = '" ~ feed ~ "'"},
  ]) -%}
  {%- if instant -%}
    {%- do tables.append({'name': 'metrics/hourly_events', 'file': feed, 'partition': 'event_date', 'changed': [days_changed],
      'query': 'select * from ' ~ relation_of('hourly_events') ~ " where feed = '" ~ feed ~ "'"}) -%}
  {%- endif -%}
  {%- if feed in ('service_events', 'tenant_events') -%}
    {%- for bucket in ('minute', 'hour', 'day') -%}
      {%- set model = (feed | replace('_events', '_metrics')) ~ '_per_' ~ bucket -%}
      {%- do tables.append({'name': 'metrics/' ~ model, 'file': 'data', 'partition': 'event_date', 'changed': [days_changed],
        'query': 'select *, cast(' ~ bucket ~ ' as date) as event_date from ' ~ relation_of(model)}) -%}
    {%- endfor -%}
  {%- elif feed == 'orders' -%}
    {%- do tables.append({'name': 'metrics/daily_order_totals', 'file': 'data', 'partition': 'ingest_date', 'changed': [rows_changed],
      'query': 'select * from ' ~ relation_of('daily_order_totals')}) -%}
  {%- endif -%}
  {{ return(tables) }}
{%- endmacro %}

{#- The quarantine of a feed in the lake: name, query, added and waiting (see lake_tables). -#}
{% macro duckdb__lake_quarantine(feed, since) -%}
  {%- set columns = 'select feed, file, reject_reasons[1] as reject_reason, reject_reasons, raw_record, loaded_at, ingest_date' -%}
  {%- set rows = ', _load_id from ' ~ relation_of('quarantine') ~ " where feed = '" ~ feed ~ "' and " -%}
  {{ return({
    'name': 'quarantine/' ~ feed,
    'query': columns ~ rows ~ 'not _is_waiting',
    'waiting': columns ~ rows ~ '_is_waiting' if entity(feed).reference else none,
    'added': duckdb__added_quarantine(feed, since, columns) if since is not none else none,
  }) }}
{%- endmacro %}

{#- Of the quarantine, without what waits, what came since a batch (see lake_tables): with its load, or because it no longer
    waits for what it refers to. -#}
{% macro duckdb__added_quarantine(feed, since, columns) -%}
  {%- set conditions = {} -%}
  {%- for every in feeds() -%}{%- do conditions.update({every: 'false'}) -%}{%- endfor -%}
  {%- do conditions.update({feed: duckdb__changed_rejects(feed, since)}) -%}
  {%- set partitions -%}
    select loads.ingest_date
    from state.changed_loads as changed
    join state.loads as loads on changed.load_id = loads.load_id
    where changed.feed = '{{ feed }}' and changed.batch_id > {{ since }}
    group by loads.ingest_date
    having
      bool_and(not changed.is_moved or changed.load_id in (select load_id from state.current_loads))
      and not exists (select 1 from state.changed_references where feed = '{{ feed }}' and batch_id > {{ since }} and sign < 0)
  {%- endset -%}
  {{ return({
    'partitions': partitions,
    'query': columns ~ ' from ' ~ duckdb__over_rows('model.' ~ project_name ~ '.quarantine', conditions) ~ ' where not _is_waiting',
  }) }}
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
    {%- do tables.append({'name': node.config.meta.lake.table, 'query': 'select * exclude (_key_hash) from ' ~ relation_of(node.name)}) -%}
  {%- endfor -%}
  {{ return(tables | sort(attribute='name')) }}
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
{% macro duckdb__changed_partitions(table, since) -%}
  {%- if since is none -%}{{ return([]) }}{%- endif -%}
  {%- set queries = table.changed | join(' union ') -%}
  {{ return(run_query('select cast(value as varchar) from (' ~ queries ~ ') as changed(value) order by 1').columns[0].values() | list) }}
{%- endmacro %}

{#- Of the partitions of a table that changed since a batch, those that rows only came to, and that may get another file. -#}
{% macro duckdb__grown_partitions(table, changed) -%}
  {%- if not table.added or not changed -%}{{ return([]) }}{%- endif -%}
  {%- set grown -%}
    select cast(value as varchar)
    from ({{ table.added.partitions }}) as grown(value)
    where '{{ table.partition }}=' || value in (select unnest(sluice_growing_partitions('{{ table.name }}', '{{ table.file }}')))
    order by 1
  {%- endset -%}
  {{ return(run_query(grown).columns[0].values() | list) }}
{%- endmacro %}

{#- The folders of partitions, given by their values. -#}
{% macro duckdb__folders(partition, values) -%}
  {%- set folders = [] -%}
  {%- for value in values -%}{%- do folders.append(partition ~ '=' ~ value) -%}{%- endfor -%}
  {{ return(folders) }}
{%- endmacro %}

{#- All partitions of a table, and perhaps dates of which it has no row: those of files are taken from the ledger. -#}
{% macro duckdb__all_partitions(table, feed) -%}
  {%- set found = "state.current_loads where feed = '" ~ feed ~ "'" if table.partition == 'ingest_date' else '(' ~ table.query ~ ')' -%}
  {{ return(run_query('select distinct cast(' ~ table.partition ~ ' as varchar) from ' ~ found ~ ' order by 1').columns[0].values() | list) }}
{%- endmacro %}

{#- Write what a part {query, by_load} of a table has in partitions, given as consecutive dates, to a folder. -#}
{% macro duckdb__copy_partitions(partition, part, partitions, folder, is_all) -%}
  {%- set dates = "('" ~ partitions | join("', '") ~ "')" -%}
  copy (
    select *{{ ' exclude (_load_id)' if part.by_load }} from ({{ part.query }})
    where
      {{ partition }} between '{{ partitions[0] }}' and '{{ partitions[-1] }}'
      {%- if not is_all %}
      and {{ partition }} in {{ dates }}
      {%- if part.by_load %}
      and _load_id in (select load_id from state.current_loads where ingest_date in {{ dates }})
      {%- endif %}
      {%- endif %}
  ) to {{ duckdb__text_literal(folder) }}
  (format parquet, compression zstd, compression_level 1, partition_by ({{ partition }}), overwrite_or_ignore)
{%- endmacro %}

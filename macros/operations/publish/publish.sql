{#-
  The last step of `dbt build` (on-run-end): what consumers see becomes what this build made and tested.

  Each model with `published` in its meta is one table of one SQLite file. Published are the tables of every feed
  whose published models were built in this run and whose tests all passed; the tables of another feed stay as they
  were. Per file everything happens in one transaction; the tenants' files come first (publish_files), sluice.db last.

  The meta of a published model:
    feed                  the feed whose rows it holds; none: it has a column `feed`, or belongs to no feed
    published.database    'tenants', 'operations' or 'sluice'
    published.table       name of the table
    published.key         primary key, if it has one
    published.changed_by  mapping: published column -> expression over state.changed_<feed>, for tables of which only
                          the changed rows are sent
    published.by_key      true: a view over the feed's entity, with its column _key_hash, by which changed rows are found;
                          without also_follows, a view that reads no more of the entity than its log has: the declared
                          columns, ingest_date and _key_hash
    published.also_follows  further change logs (state.changed_<name>, with the feed's columns, never cut) whose rows
                          are sent as well
    published.by_file     true: the rows of changed files are sent; of files in which some records only changed their
                          verdict with what they refer to, the rows of those records
    published.event_date  the column that the var publish_days looks at
    published.every_run   true: also after a failed build
  Columns that begin with an underscore are not published.

  Args:
    results (list of RunResult): the results of the run.
-#}
{% macro publish(results) -%}
  {%- set released = released_feeds(results) -%}
  {%- set built = built_models(results) -%}
  {%- do publish_files('tenants', published_models('tenants'), built, released) -%}
  {%- do adapter.dispatch('publish_databases')(['operations', 'sluice'], built, released) -%}
{%- endmacro %}

{#- The row of `_build` in every file that this run writes. -#}
{% macro published_build() -%}
  {{ return({
    'build_id': invocation_id,
    'published_at': run_started_at.strftime('%Y-%m-%dT%H:%M:%S.%fZ'),
    'contract_version': var('contract_version'),
  }) }}
{%- endmacro %}

{#- The published models of a database, sorted by name. -#}
{% macro published_models(database) -%}
  {%- set found = [] -%}
  {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.meta.get('published', {}).get('database') == database -%}
    {%- do found.append(node) -%}
  {%- endfor -%}
  {{ return(found | sort(attribute='name')) }}
{%- endmacro %}

{#-
  The feeds whose tables may be published: no published model of theirs failed or was skipped, and no test of theirs
  failed. A test holds back the feed named in its own meta; without one, the feeds of the models it reads, and every
  feed when one of those belongs to none. A build of some feeds (var touched_feeds) releases no other.

  Args:
    results (list of RunResult): the results of the run.
-#}
{% macro released_feeds(results) -%}
  {%- set held = [] -%}
  {%- for result in results if result.status not in ('success', 'pass', 'warn', 'no-op') -%}
    {%- set own_meta = result.node.config.meta -%}
    {%- if result.node.resource_type == 'model' -%}
      {%- if own_meta.get('published') -%}{%- do held.append(own_meta.get('feed', 'every feed')) -%}{%- endif -%}
    {%- elif own_meta.get('feed') or not result.node.depends_on.nodes -%}
      {%- do held.append(own_meta.get('feed', 'every feed')) -%}
    {%- else -%}
      {%- for unique_id in result.node.depends_on.nodes -%}
        {%- do held.append(graph.nodes[unique_id].config.meta.get('feed', 'every feed') if unique_id in graph.nodes else 'every feed') -%}
      {%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set released = [] -%}
  {%- for feed in var('touched_feeds') or feeds() if feed not in held and 'every feed' not in held -%}
    {%- do released.append(feed) -%}
  {%- endfor -%}
  {{ return(released) }}
{%- endmacro %}

{#-
  The unique ids of the models that reflect this run: those built in it and, in a build of some feeds (var
  touched_feeds), the published views of these feeds and of none, which such a build leaves standing.

  Args:
    results (list of RunResult): the results of the run.
-#}
{% macro built_models(results) -%}
  {%- set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.unique_id') | list -%}
  {%- set failed = results | map(attribute='node.unique_id') | reject('in', built) | list -%}
  {%- if var('touched_feeds') -%}
    {%- for node in graph.nodes.values() if node.config.meta.get('published') and node.config.materialized == 'view' and node.unique_id not in failed -%}
      {%- if node.config.meta.get('feed') in [none] + var('touched_feeds') -%}{%- do built.append(node.unique_id) -%}{%- endif -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(built | unique | list) }}
{%- endmacro %}

{% macro default__publish_databases(databases, built, released) -%}
  {{ exceptions.raise_compiler_error('publishing is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{#-
  The files are written at the same time, and become visible in the order given. One that turns out to be damaged is
  removed, and made again from all of its rows.
-#}
{% macro duckdb__publish_databases(databases, built, released) -%}
  {%- set warehouse = warehouse_state() -%}
  {%- set publications = [] -%}
  {%- for database in databases -%}
    {%- set publication = duckdb__staged_publication(database, published_models(database), built, released, warehouse) -%}
    {%- if publication -%}{%- do publications.append([database, publication]) -%}{%- endif -%}
  {%- endfor -%}
  {%- if publications and not run_query('select sluice_publish(' ~ duckdb__text_literal(tojson(publications)) ~ ')').rows[0][0] -%}
    {%- do duckdb__publish_databases(databases, built, released) -%}
  {%- endif -%}
{%- endmacro %}

{#- Fill the staging file of a database. Returns: the publication, see spec.py; none where nothing is published. -#}
{% macro duckdb__staged_publication(database, models, built, released, warehouse) -%}
  {%- set published = fromjson(run_query("select sluice_published_state('" ~ database ~ "')").rows[0][0]) -%}
  {#- Another window of event-level tables (var publish_days) makes it another file: all rows are sent once. -#}
  {%- set origin = warehouse.id ~ (' newest ' ~ var('publish_days') if var('publish_days', none) is not none else '') -%}
  {%- set seen = seen_batches(published.batches if published.warehouse_id == origin else {}, warehouse) -%}
  {%- set tables = [] -%}
  {%- for node in models if node.unique_id in built or node.config.meta.published.get('every_run') -%}
    {%- set feed = node.config.meta.get('feed') -%}
    {%- set every_run = node.config.meta.published.get('every_run') -%}
    {%- if node.alias in warehouse.columns and (every_run or feed in released or (not feed and released)) -%}
      {%- set table = duckdb__published_table(node, published.tables, seen, warehouse, released) -%}
      {%- if table -%}{%- do tables.append(table) -%}{%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if tables -%}
    {%- set batches = [] -%}
    {%- for feed in released if feed in warehouse.batches and built_feed(feed, database, built) -%}
      {%- for log in [feed] + followed_logs(feed, models) if log in warehouse.batches -%}{%- do batches.append([log, warehouse.identities[log]]) -%}{%- endfor -%}
    {%- endfor -%}
    {%- set publication = {
      'tables': tables | map(attribute='spec') | list,
      'build': published_build(),
      'batches': batches,
      'warehouse_id': origin,
      'is_public': database == 'sluice',
    } -%}
    {%- set prepare = "select sluice_prepare_publication('" ~ database ~ "', " ~ duckdb__text_literal(tojson(publication)) ~ ')' -%}
    {%- set staging = run_query(prepare).rows[0][0] -%}
    {#- Nothing is published that could still be rolled back. -#}
    {%- do adapter.commit() -%}
    {%- do duckdb__fill_staging_file(staging, tables | map(attribute='fill') | sum(start=[])) -%}
    {{ return(publication) }}
  {%- endif -%}
{%- endmacro %}

{#-
  Fill the tables of a staging file.
  Args:
    path (string): the file.
    steps (list of pairs): table and query whose rows it gets; without a table, a statement that later queries need.
-#}
{% macro duckdb__fill_staging_file(path, steps) -%}
  {%- do adapter.store_relation('dbt_plugin', none, [], '', 'fill', {'path': path, 'steps': steps}) -%}
{%- endmacro %}

{#- Whether the feed's own tables in a database were all built in this run, so that it now reflects the batch. -#}
{% macro built_feed(feed, database, built) -%}
  {%- for node in published_models(database) if node.config.meta.get('feed', feed) == feed and not node.config.meta.published.get('every_run') and node.unique_id not in built -%}
    {{ return(false) }}
  {%- endfor -%}
  {{ return(true) }}
{%- endmacro %}

{#- The further change logs that the published models of a feed follow. -#}
{% macro followed_logs(feed, models) -%}
  {%- set logs = [] -%}
  {%- for node in models if node.config.meta.get('feed') == feed -%}
    {%- do logs.extend(node.config.meta.published.get('also_follows', [])) -%}
  {%- endfor -%}
  {{ return(logs | unique | list) }}
{%- endmacro %}

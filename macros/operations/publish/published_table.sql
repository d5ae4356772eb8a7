{#-
  How one table is published: its specification for sluice_publish and the steps that fill it in the staging file
  (duckdb__fill_staging_file).

  Args:
    node: the published model.
    published_tables (mapping): table -> columns that the published file has now.
    seen (mapping): feed -> batch that the published file reflects (seen_batches).
    warehouse (mapping): see warehouse_state.
    released (list): the feeds that may be published.
  Returns: a mapping {spec, fill}; none when the published table is what it would become.

  Only the changed rows are sent when the file already reflects an earlier batch of this warehouse and nothing in
  between was made anew; else all rows are, and only what differs is written.
-#}
{% macro duckdb__published_table(node, published_tables, seen, warehouse, released) -%}
  {%- set published = node.config.meta.published -%}
  {%- set relation = api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias) -%}
  {%- set columns = warehouse.columns[node.alias] -%}
  {%- set names = columns | map('first') | map('tojson') | join(', ') -%}
  {%- set has_feed = 'feed' in (columns | map('first') | list) -%}
  {%- set feed = node.config.meta.get('feed') -%}
  {%- set held = feeds() | reject('in', released) | list -%}
  {%- set scope = "feed not in ('" ~ held | join("', '") ~ "')" if has_feed and held and not published.get('every_run') else none -%}
  {%- set order = ' order by ' ~ (published.key | map('tojson') | join(', ')) if published.get('key') else '' -%}
  {%- set spec = {
    'name': published.table,
    'columns': columns,
    'key': published.get('key', []),
    'indexes': published.get('indexes', []),
    'partial_index': ['raw_record', duckdb__has_reference_reason()] if published.get('by_file') else none,
    'scope': scope,
    'mode': 'sync',
  } -%}
  {%- set condition = scope or 'true' -%}
  {%- set rows = namespace(text=relation | string) -%}
  {%- set window = duckdb__published_window(published, relation) -%}
  {%- if window -%}
    {%- do spec.update({'keep_where': window}) -%}
    {%- set condition = condition ~ ' and ' ~ window -%}
  {%- endif -%}
  {%- set fill = [] -%}
  {%- set changes = duckdb__published_changes(feed, published, seen, warehouse, released)
    if published_tables.get(published.table) == columns and not window else none -%}
  {%- if changes and changes.is_empty -%}{{ return(none) }}{%- endif -%}
  {%- if changes -%}
    {%- do spec.update({'mode': 'replace', 'changed_by': changes.columns, 'null_is_any': changes.get('null_is_any'), 'is_in_partial_index': changes.get('is_in_partial_index')}) -%}
    {%- do fill.append([none, 'create or replace temp table changed_groups as ' ~ changes.groups]) -%}
    {%- do fill.append([published.table ~ '__changed', 'select * from changed_groups']) -%}
    {%- if changes.key_query -%}
      {%- do fill.append([none, 'create or replace temp table changed_keys as ' ~ changes.key_query]) -%}
    {%- endif -%}
    {%- if changes.conditions or changes.rows -%}
      {%- set rows.text = duckdb__over_rows(node.unique_id, changes.conditions or {}, feed, changes.rows) ~ ' as published' -%}
    {%- endif -%}
    {%- if changes.condition -%}
      {%- set condition = condition ~ ' and ' ~ changes.condition -%}
    {%- endif -%}
  {%- endif -%}
  {%- do fill.append([published.table, 'select ' ~ names ~ ' from ' ~ rows.text ~ ' where ' ~ condition ~ order]) -%}
  {{ return({'spec': spec, 'fill': fill}) }}
{%- endmacro %}

{#-
  The condition of the var publish_days for a table, as text that DuckDB and SQLite both understand; or none. The days are
  counted from the newest event that is not one of the future.
-#}
{% macro duckdb__published_window(published, relation) -%}
  {%- if not published.get('event_date') or var('publish_days', none) is none -%}
    {{ return(none) }}
  {%- endif -%}
  {%- set newest = run_query(
    'select coalesce(max(' ~ published.event_date ~ ') filter (where ' ~ published.event_date ~ ' <= ' ~ instant_text(future_begins()) ~ '), max('
    ~ published.event_date ~ ')) from ' ~ relation
  ).rows[0][0] -%}
  {%- if newest is none -%}{{ return(none) }}{%- endif -%}
  {%- set first = modules.datetime.datetime.strptime(newest[:10], '%Y-%m-%d') - modules.datetime.timedelta(days=var('publish_days') | int - 1) -%}
  {{ return(published.event_date ~ " >= '" ~ first.strftime('%Y-%m-%d') ~ "'") }}
{%- endmacro %}

{#-
  The changed groups of a table since the published file's own batch, as a mapping; none when all rows have to be sent.
    is_empty     nothing changed, and the rest is absent
    columns      the table's columns that tell groups apart
    groups       query that becomes the temporary table changed_groups
    rows         of a table with by_key: the entity's rows that are to be sent, from its log
    key_query    where there is no such log of them all: query that becomes the temporary table changed_keys
    conditions   feed -> condition of the staged records that the rows to send are made of (see duckdb__over_rows)
    condition    of the rows to send
    null_is_any, is_in_partial_index  see spec.py
-#}
{% macro duckdb__published_changes(feed, published, seen, warehouse, released) -%}
  {%- set followed = released if published.get('by_file') else [feed] + published.get('also_follows', []) -%}
  {%- if not (published.get('by_file') or published.get('changed_by')) -%}{{ return(none) }}{%- endif -%}
  {%- set changed = [] -%}
  {%- for log in followed -%}
    {%- if seen.get(log) is none and (log in seen or log not in published.get('also_follows', [])) -%}{{ return(none) }}{%- endif -%}
    {%- if warehouse.batches.get(log, 0) != seen.get(log, 0) -%}{%- do changed.append(log) -%}{%- endif -%}
  {%- endfor -%}
  {%- if not changed -%}{{ return({'is_empty': true}) }}{%- endif -%}
  {%- if published.get('by_file') -%}
    {%- set groups = [] -%}
    {%- set sent_back = [] -%}
    {%- set conditions = {} -%}
    {%- for every in feeds() -%}{%- do conditions.update({every: 'false'}) -%}{%- endfor -%}
    {%- for log in changed -%}
      {%- if entity(log).reference and not duckdb__was_only_released(log, seen[log]) -%}{%- do sent_back.append(log) -%}{%- endif -%}
      {%- do groups.append(duckdb__changed_records_sql(log, seen[log])) -%}
      {%- do conditions.update({log: duckdb__changed_rejects(log, seen[log])}) -%}
    {%- endfor -%}
    {{ return({
      'conditions': conditions,
      'columns': ['file', 'raw_record'],
      'groups': groups | join(' union all '),
      'null_is_any': true,
      'is_in_partial_index': not sent_back,
      'condition': '(file in (select file from changed_groups where raw_record is null)'
        ~ ' or (file, raw_record) in (select file, raw_record from changed_groups where raw_record is not null))',
    }) }}
  {%- endif -%}
  {%- if published.get('by_key') and not published.get('also_follows') -%}
    {%- set log = logged_changes(feed, seen[feed], warehouse.batches[feed] == seen[feed] + 1) -%}
    {{ return({
      'columns': published.changed_by.keys() | list,
      'groups': 'select distinct ' ~ duckdb__named_groups(published) ~ ' from ' ~ log ~ ' as changed',
      'rows': '(select * exclude (sign) from ' ~ log ~ ' as changed where sign > 0)',
    }) }}
  {%- endif -%}
  {%- set groups = [] -%}
  {%- set keys = [] -%}
  {%- for log in changed -%}
    {%- set from = ' from state.changed_' ~ log ~ ' where batch_id > ' ~ seen.get(log, 0) -%}
    {%- do groups.append('select ' ~ duckdb__named_groups(published) ~ from) -%}
    {%- do keys.append('select _key_hash' ~ from) -%}
  {%- endfor -%}
  {%- set by_key = published.get('by_key') -%}
  {{ return({
    'columns': published.changed_by.keys() | list,
    'groups': 'select distinct * from (' ~ groups | join(' union all ') ~ ')',
    'key_query': 'select distinct _key_hash from (' ~ keys | join(' union all ') ~ ')' if by_key else none,
    'conditions': {feed: '_key_hash in (select _key_hash from changed_keys)'} if by_key else none,
    'condition': none if by_key else '(' ~ published.changed_by.keys() | join(', ') ~ ') in (' ~ groups | join(' union all ') ~ ')',
  }) }}
{%- endmacro %}

{#- The columns that tell changed groups apart, as a select list under their published names. -#}
{% macro duckdb__named_groups(published) -%}
  {%- set named = [] -%}
  {%- for name, expression in published.changed_by.items() -%}{%- do named.append(expression ~ ' as ' ~ tojson(name)) -%}{%- endfor -%}
  {{ return(named | join(', ')) }}
{%- endmacro %}

{#-
  Of the staged records that broke rules of their own, those whose place in quarantine changed since a batch, for
  duckdb__over_rows. Raw text is most of a record and is read block by block, so what was released comes from its log,
  unless something was sent back.
-#}
{% macro duckdb__changed_rejects(feed, since) -%}
  {%- set reference = entity(feed).reference -%}
  {%- if not reference or not duckdb__was_only_released(feed, since) -%}
    {{ return(is_changed_record(feed, since) ~ ' and _reject_reasons is not null') }}
  {%- endif -%}
  {%- set staged = relation_of('stg_landing__' ~ feed) -%}
  {%- set moved = "(select load_id from state.changed_loads where feed = '" ~ feed ~ "' and batch_id > " ~ since ~ ' and is_moved)' -%}
  {%- set rows -%}
    (
      select _load_id, _line, {{ reference.column }}, _reject_reasons, _raw_record
      from {{ staged }}
      where rowid in (select rowid from {{ staged }} where _load_id in {{ moved }} and _reject_reasons is not null)
      union all
      select load_id as _load_id, null as _line, null as {{ reference.column }}, reject_reasons as _reject_reasons, raw_record as _raw_record
      from state.released_records
      where feed = '{{ feed }}' and batch_id > {{ since }} and reject_reasons is not null and load_id not in {{ moved }}
    )
  {%- endset -%}
  {{ return({'rows': rows}) }}
{%- endmacro %}

{#-
  Whether every published record that changed its verdict with what it refers to since a batch has the reason of the
  reference: nothing became unknown, because then others changed too.
-#}
{% macro duckdb__was_only_released(feed, since) -%}
  {%- set sent_back = "select exists (select 1 from state.changed_references where feed = '" ~ feed ~ "' and batch_id > " ~ since ~ ' and sign < 0)' -%}
  {{ return(not asked_once(sent_back)[0][0]) }}
{%- endmacro %}

{#- Whether the published reject_reasons of a record name the reason of any reference, as a condition for SQLite. -#}
{% macro duckdb__has_reference_reason() -%}
  {%- set reasons = [] -%}
  {%- for feed in feeds() if entity(feed).reference -%}{%- do reasons.append(entity(feed).reference.reason) -%}{%- endfor -%}
  {{ return("instr(reject_reasons, '" ~ reasons | unique | join("') or instr(reject_reasons, '") ~ "')") }}
{%- endmacro %}

{#-
  The files of a feed whose records came or went since a batch (raw_record null: all of them), and the records of other
  files that stood in quarantine for what they refer to, or do now.
-#}
{% macro duckdb__changed_records_sql(feed, since) -%}
  {%- set reference = entity(feed).reference -%}
  (
    select distinct loads.file, cast(null as varchar) as raw_record
    from state.changed_loads as changed
    join state.loads as loads on changed.load_id = loads.load_id
    where changed.feed = '{{ feed }}' and changed.batch_id > {{ since }} and changed.is_moved
    {%- if reference %}
    union all
    select distinct loads.file, records.raw_record
    from (
      select load_id, raw_record
      from state.released_records
      where feed = '{{ feed }}' and batch_id > {{ since }}
      union all
      select _load_id, raw_record
      from state.waiting_{{ feed }}
      where {{ reference.column }} in ({{ changed_references(feed, since) }})
    ) as records
    join state.current_loads as loads on records.load_id = loads.load_id
    {%- endif %}
  )
{%- endmacro %}

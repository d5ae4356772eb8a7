{#-
  The groups of a model downstream of an entity that have to be made again, for models with the incremental strategy
  `replace_changed_groups`. Such a model's meta holds
    feed      the entity's feed
    group_by  mapping: column of the model -> expression over the entity's columns
    also_follows  optional list of further change logs (state.changed_<name>, with the entity's columns) that the model
              follows, each of which it notes with note_consumed

  Args:
    feed, group_by: as in the meta.
  Returns: a SQL query with the columns of group_by: every group that a row left or entered since the model's last
    run.
-#}
{% macro changed_groups(feed, group_by) -%}
  {%- for log in [feed] + config.get('meta').get('also_follows', []) %}
  select distinct
    {%- for column, expression in group_by.items() %}
    {{ expression }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
  from state.changed_{{ log }}
  where batch_id > {{ consumed_batch(this.identifier, log) }}
  {{ 'union' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#-
  The entity's rows that a model reads: all when it is made anew, else those of the changed groups, looked for where
  they can be, so that untouched row groups are never read. Rows of other groups may be among them, but then all of a
  group's; the incremental strategy leaves such groups as they are.

  Args:
    feed (string): the entity's feed.
    entity_relation (Relation): ref() of the entity.
    instant (string): the entity's column that the rows are (roughly) ordered by and the groups are made of: they are
      looked for between its first and last changed value. None, for groups made of ingest_date: they are looked for in
      the loads of the changed dates.
    reach (string): the bucket of time, 'minute', 'hour' or 'day', that a group lies in.
  Returns: a table expression.
-#}
{% macro rows_of_changed_groups(feed, entity_relation, instant='event_at', reach='day') -%}
  {%- if is_rebuilt_after(feed) -%}
    {{ return(entity_relation) }}
  {%- endif -%}
  {%- set group_by = config.get('meta').group_by -%}
  {%- if not instant -%}
    {%- set dates = changed_groups(feed, {'ingest_date': 'ingest_date'}) -%}
    {#- Where every date changed, looking for them costs more than it spares. -#}
    {%- set others = "select exists (select 1 from state.current_loads where feed = '" ~ feed ~ "' and ingest_date not in (" ~ dates ~ '))' -%}
    {%- if not asked_once(others)[0][0] -%}{{ return(entity_relation) }}{%- endif -%}
    {{ return("(select * from " ~ entity_relation ~ " where _load_id in (select load_id from state.current_loads where feed = '" ~ feed
      ~ "' and ingest_date in (" ~ dates ~ ")) and (" ~ group_by.values() | join(', ')
      ~ ") in (" ~ changed_groups(feed, group_by) ~ "))") }}
  {%- endif -%}
  {%- set span = run_query(
    "select min(" ~ instant ~ "), max(" ~ instant ~ "), count(distinct date_trunc('" ~ reach ~ "', " ~ instant ~ "))"
    ~ " > " ~ datediff('min(' ~ instant ~ ')', 'max(' ~ instant ~ ')', reach) ~ " / 2"
    ~ " from state.changed_" ~ feed ~ " where batch_id > " ~ consumed_batch(this.identifier, feed)
  ).rows[0] -%}
  (
    select *
    from {{ entity_relation }}
    where
      {% if span[0] -%}
      {{ instant }} >= date_trunc('{{ reach }}', timestamp '{{ span[0] }}')
      and {{ instant }} < date_trunc('{{ reach }}', timestamp '{{ span[1] }}') + interval 1 {{ reach }}
      {#- Where most of the time in between changed, comparing every row costs more than the rows of other groups. #}
      {%- if not span[2] %}
      and ({{ group_by.values() | join(', ') }}) in ({{ known_changed_groups(feed, group_by) }})
      {%- endif %}
      {%- else -%}
      false
      {%- endif %}
  )
{%- endmacro %}

{#- changed_groups, found before the query that looks for their rows is planned. Args, returns: see changed_groups. Args: feed (string) and group_by (list of columns): as for changed_groups. -#}
{% macro known_changed_groups(feed, group_by) -%}
  {{ return(adapter.dispatch('known_changed_groups')(feed, group_by)) }}
{%- endmacro %}

{% macro default__known_changed_groups(feed, group_by) -%}
  {{ return(changed_groups(feed, group_by)) }}
{%- endmacro %}

{#- DuckDB guesses that most of the log are groups, and then builds its hash table from the events: half the speed. -#}
{% macro duckdb__known_changed_groups(feed, group_by) -%}
  {%- do run_statements('create or replace temp table changed_groups as ' ~ changed_groups(feed, group_by)) -%}
  {{ return('select * from changed_groups') }}
{%- endmacro %}

{#- Incremental strategy: the changed groups are deleted, and inserted as they are now; or everything is. -#}
{% macro get_incremental_replace_changed_groups_sql(args) -%}
  {%- set meta = config.get('meta') -%}
  {%- set columns = args.dest_columns | map(attribute='quoted') | join(', ') -%}
  delete from {{ args.target_relation }}
  {%- if not is_rebuilt_after(meta.feed) %}
  where ({{ meta.group_by.keys() | join(', ') }}) in ({{ changed_groups(meta.feed, meta.group_by) }})
  {%- endif %};
  insert into {{ args.target_relation }} ({{ columns }})
  select {{ columns }} from {{ args.temp_relation }}
  {%- if not is_rebuilt_after(meta.feed) %}
  where ({{ meta.group_by.keys() | join(', ') }}) in ({{ changed_groups(meta.feed, meta.group_by) }})
  {%- endif %};
{%- endmacro %}

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
  they can be, so that untouched row groups are never read.

  Args:
    feed (string): the entity's feed.
    entity_relation (Relation): ref() of the entity.
    instant (string): the entity's column that the rows are (roughly) ordered by and the groups are made of: they are
      looked for between its first and last changed value. None, for groups made of ingest_date: they are looked for in
      the loads of the changed dates.
    reach (string): the time that a group spans at most: 'minute', 'hour' or 'day'.
  Returns: a table expression.
-#}
{% macro rows_of_changed_groups(feed, entity_relation, instant='event_at', reach='day') -%}
  {%- if is_rebuilt_after(feed) -%}
    {{ return(entity_relation) }}
  {%- endif -%}
  {%- set group_by = config.get('meta').group_by -%}
  {%- if not instant -%}
    {{ return("(select * from " ~ entity_relation ~ " where _load_id in (select load_id from state.current_loads where feed = '" ~ feed
      ~ "' and ingest_date in (" ~ changed_groups(feed, {'ingest_date': 'ingest_date'}) ~ ")) and (" ~ group_by.values() | join(', ')
      ~ ") in (" ~ changed_groups(feed, group_by) ~ "))") }}
  {%- endif -%}
  {%- set span = run_query(
    "select min(" ~ instant ~ "), max(" ~ instant ~ ") from state.changed_" ~ feed ~ " where batch_id > " ~ consumed_batch(this.identifier, feed)
  ).rows[0] -%}
  (
    select *
    from {{ entity_relation }}
    where
      {% if span[0] -%}
      {{ instant }} >= timestamp '{{ span[0] }}' - interval 1 {{ reach }} and {{ instant }} < timestamp '{{ span[1] }}' + interval 1 {{ reach }}
      and ({{ group_by.values() | join(', ') }}) in ({{ changed_groups(feed, group_by) }})
      {%- else -%}
      false
      {%- endif %}
  )
{%- endmacro %}

{#- Incremental strategy: the changed groups are deleted, and inserted as they are now; or everything is. -#}
{% macro get_incremental_replace_changed_groups_sql(args) -%}
  {%- set meta = config.get('meta') -%}
  {%- set columns = args.dest_columns | map(attribute='quoted') | join(', ') -%}
  delete from {{ args.target_relation }}
  {%- if not is_rebuilt_after(meta.feed) %}
  where ({{ meta.group_by.keys() | join(', ') }}) in ({{ changed_groups(meta.feed, meta.group_by) }})
  {%- endif %};
  insert into {{ args.target_relation }} ({{ columns }}) select {{ columns }} from {{ args.temp_relation }};
{%- endmacro %}

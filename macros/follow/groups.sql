{#-
  Rollups with group_by: the groups that a row left or entered since the last run are deleted, and inserted as they are now.

  Rows of the changed groups are looked for where they can be, so that untouched row groups of the table are never read:
  between the first and the last changed bucket of time, or in the loads of the changed dates. Rows of other groups may be
  among them; what they give is left out.

  Args:
    logs (mapping): see rollup_news.
  Leaves behind: the temporary table changed_groups. (DuckDB guesses that most of a log are groups, and would build its
    hash table from the events: half the speed.)
  Returns: SQL statements.
-#}
{% macro duckdb__follow_groups(logs) -%}
  {%- set meta = config.get('meta') -%}
  {%- set changed = [] -%}
  {%- for log, news in logs.items() -%}
    {%- set columns = [] -%}
    {%- for column, expression in meta.group_by.items() -%}{%- do columns.append(expression ~ ' as ' ~ column) -%}{%- endfor -%}
    {%- do changed.append('select ' ~ columns | join(', ') ~ ' from state.changed_' ~ log ~ ' where batch_id > ' ~ news.since) -%}
  {%- endfor -%}
  {%- do run_statements('create or replace temp table changed_groups as ' ~ changed | join(' union ') ~ (' group by all' if changed | length == 1 else '')) -%}
  {%- set parts = {} -%}
  {%- for name, expressions in meta.get('reads', {meta.feed: meta.group_by}).items() -%}
    {%- do parts.update({name: duckdb__rows_of_groups(name, expressions)}) -%}
  {%- endfor -%}
  {%- set key = '(' ~ meta.group_by.keys() | join(', ') ~ ')' -%}
  delete from {{ this }} where {{ key }} in (select * from changed_groups);
  insert into {{ this }} by name
  select * from (
    {{ reading_parts(parts) }}
  )
  where {{ key }} in (select * from changed_groups)
{%- endmacro %}

{#-
  The rows of a model that belong to changed groups, with some of others (then all of a group's).

  Args:
    name (string): the model.
    expressions (mapping): column of changed_groups -> expression over the model's columns.
  Returns: a table expression.
-#}
{% macro duckdb__rows_of_groups(name, expressions) -%}
  {%- set relation = graph.nodes['model.' ~ project_name ~ '.' ~ name].relation_name -%}
  {%- set of_changed_groups = '(' ~ expressions.values() | join(', ') ~ ') in (select * from changed_groups)' -%}
  {%- set conditions = [] -%}
  {%- for column, expression in expressions.items() if expression.startswith("date_trunc('") -%}
    {%- set reach = expression.split("'")[1] -%}
    {%- set instant = expression.split(',', 1)[1].strip().removesuffix(')') -%}
    {%- set asked -%}
      select
        min({{ column }}),
        max({{ column }}),
        count(distinct {{ column }}) > {{ datediff('min(' ~ column ~ ')', 'max(' ~ column ~ ')', reach) }} / 2
      from changed_groups
    {%- endset -%}
    {%- set span = run_query(asked).rows[0] -%}
    {%- if span[0] is none -%}{{ return('(select * from ' ~ relation ~ ' where false)') }}{%- endif -%}
    {%- do conditions.append(instant ~ " >= timestamp '" ~ span[0] ~ "' and " ~ instant ~ " < timestamp '" ~ span[1] ~ "' + interval 1 " ~ reach) -%}
    {#- Where most of the time in between changed, comparing every row costs more than the rows of other groups. -#}
    {%- if not span[2] -%}{%- do conditions.append(of_changed_groups) -%}{%- endif -%}
  {%- endfor -%}
  {%- if not conditions and 'ingest_date' in expressions.values() -%}
    {%- set feed = config.get('meta').feed -%}
    {#- Where every date changed, looking for them costs more than it spares. -#}
    {%- set others = "select exists (select 1 from state.current_loads where feed = '" ~ feed ~ "' and ingest_date not in (select ingest_date from changed_groups))" -%}
    {%- if not run_query(others).rows[0][0] -%}{{ return(relation) }}{%- endif -%}
    {%- do conditions.append("_load_id in (select load_id from state.current_loads where feed = '" ~ feed
      ~ "' and ingest_date in (select ingest_date from changed_groups))") -%}
    {%- do conditions.append(of_changed_groups) -%}
  {%- endif -%}
  {{ return('(select * from ' ~ relation ~ ' where ' ~ (conditions or [of_changed_groups]) | join(' and ') ~ ')') }}
{%- endmacro %}

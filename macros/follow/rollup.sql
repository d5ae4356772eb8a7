{#-
  The materialization `rollup`: a table that sums up rows of entities. A model's SQL is the whole table: it reads the
  entity by ref(), and anyone can run it. A build makes again only what changed, so the table is always what the SQL gives.

  How, says the meta of the model:
    feed        the entity that is followed. It may be left out where the model reads entities itself: those are followed
    group_by    mapping: column of the model -> expression over the entity's columns. What a group's rows are depends on the
                entity's rows of that group alone, so the groups that a row left or entered are made again, whole
    sums        the columns that are sums over the entity's rows: counts, and exact sums of decimals. What came is added and
                what went is taken away. (Sums of doubles depend on the order of addition: such a model has group_by alone.)
                The other columns are the key; a row of which all sums are 0 leaves the table
    per_load    true: the model has at least one row per load (column load_id), made of that load's staged records, which
                never change. Loads that came are added, those that went are deleted
  and, of a model with group_by without sums,
    also_follows  further change logs (state.changed_<name>, with the entity's columns) that are followed
    reads       where the model reads not the entity but another model: mapping, its name -> mapping like group_by over the
                columns of that model

  The table is made anew at its first build, at a full refresh, when an entity was made anew, and when the compiled SQL is
  another than the one it was made by: then its feed has a change after which everything is published whole.
  With --empty a table that stands stays as it is; one that does not is made empty, and anew by the next build.

  The part is read by the model's own compiled SQL, in which the quoted name of what is read ("warehouse"."main"."orders")
  is replaced by a table expression. A quoted full name is a name and nothing else, so this needs no parser; columns are
  named without their table, as behind an import CTE.
-#}
{% materialization rollup, adapter='duckdb' %}
  {%- set kept = is_kept() -%}
  {%- if kept and flags.EMPTY -%}
    {%- set news = {'is_waiting': false} -%}
  {%- else -%}
    {%- set news = rollup_news(kept) -%}
  {%- endif -%}
  {%- if kept and not news.is_waiting %}
    {%- call noop_statement('main', 'NOTHING NEW') -%}
      {{ compiled_code }}
    {%- endcall -%}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
  {%- endif %}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {%- call statement('begin', auto_begin=true) -%}
    select 1
  {%- endcall -%}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {%- if not kept or news.is_full -%}
    {%- do make_table_anew() -%}
  {%- else -%}
    {%- set change = rollup_change(news.logs) -%}
    {%- call statement('main') -%}
      {{ change }}
    {%- endcall -%}
  {%- endif -%}
  {%- do run_statements(forget_built() if flags.EMPTY else note_rollup(news)) -%}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {%- do adapter.commit() -%}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [this.incorporate(type='table')]}) }}
{% endmaterialization %}

{#- The change logs that the current model follows. Returns: a list of names; of a model with per_load an empty one. -#}
{% macro rollup_logs() -%}
  {%- set meta = config.get('meta') -%}
  {%- if meta.get('per_load') -%}{{ return([]) }}{%- endif -%}
  {%- if meta.get('feed') -%}{{ return([meta.feed] + meta.get('also_follows', [])) }}{%- endif -%}
  {{ return(rollup_parents() | select('in', feeds()) | list) }}
{%- endmacro %}

{#- The names of the models that the current model reads. Returns: a list. -#}
{% macro rollup_parents() -%}
  {%- set names = [] -%}
  {%- for unique_id in model.depends_on.nodes if unique_id in graph.nodes -%}{%- do names.append(graph.nodes[unique_id].name) -%}{%- endfor -%}
  {{ return(names) }}
{%- endmacro %}

{#-
  What the current model has yet to take in.

  Args:
    kept (boolean): whether its table stands.
  Returns: a mapping
    is_waiting  whether there is anything
    is_full     whether the table must be made anew
    is_another  whether it was made by another SQL
    logs        change log -> {since: its last batch that was taken in, is_full: whether the entity was made anew since}
  Errors: a meta that says no way to follow stops the model.
-#}
{% macro rollup_news(kept) -%}
  {%- set meta = config.get('meta') -%}
  {%- if not (meta.get('group_by') or meta.get('sums') or meta.get('per_load')) -%}
    {{ exceptions.raise_compiler_error('the meta of a rollup says how it is kept: group_by, sums or per_load (macros/follow/rollup.sql)') }}
  {%- endif -%}
  {%- set is_built = duckdb__is_built_sql("'" ~ local_md5(compiled_code) ~ "'") -%}
  {%- if meta.get('per_load') -%}
    {%- if not kept -%}{{ return({'is_waiting': true, 'is_full': true, 'is_another': false, 'logs': {}}) }}{%- endif -%}
    {%- set found = run_query('select ' ~ is_built ~ ', exists (' ~ loads_moved() ~ ')').rows[0] -%}
    {{ return({'is_waiting': found[1] or not found[0], 'is_full': not found[0], 'is_another': not found[0], 'logs': {}}) }}
  {%- endif -%}
  {%- set logs = rollup_logs() -%}
  {%- set asked -%}
    select
      followed.log,
      any_value(coalesce(consumed.batch_id, 0)) as since,
      count(batches.batch_id) > 0 as is_waiting,
      coalesce(bool_or(batches.is_full), false) as is_full,
      {{ is_built }} as is_built
    from (select unnest(['{{ logs | join("', '") }}']) as log) as followed
    left join state.consumed as consumed on consumed.model = '{{ this.identifier }}' and followed.log = consumed.feed
    left join state.batches as batches on followed.log = batches.feed and batches.batch_id > coalesce(consumed.batch_id, 0)
    group by followed.log
  {%- endset -%}
  {%- set news = {'is_waiting': not kept, 'is_full': true, 'is_another': false, 'logs': {}} -%}
  {%- for log, since, is_waiting, is_full, is_built in run_query(asked).rows -%}
    {%- do news.logs.update({log: {'since': since, 'is_full': is_full}}) -%}
    {%- do news.update({
      'is_waiting': news.is_waiting or is_waiting or not is_built,
      'is_full': news.is_full and is_full,
      'is_another': kept and not is_built,
    }) -%}
  {%- endfor -%}
  {#- Only sums of several feeds, which they tell apart, take in one that was made anew beside others. -#}
  {%- if news.is_another or (not meta.get('sums') and news.logs.values() | selectattr('is_full') | list) -%}
    {%- do news.update({'is_full': true}) -%}
  {%- endif -%}
  {{ return(news) }}
{%- endmacro %}

{#- The statements that bring the current model's table up to date. Args: logs (mapping): see rollup_news. Returns: text. -#}
{% macro rollup_change(logs) -%}
  {%- set meta = config.get('meta') -%}
  {%- if meta.get('per_load') -%}{{ return(duckdb__follow_loads()) }}{%- endif -%}
  {%- if meta.get('sums') -%}{{ return(duckdb__follow_sums(logs)) }}{%- endif -%}
  {{ return(duckdb__follow_groups(logs)) }}
{%- endmacro %}

{#-
  Note, in the model's own transaction, what its table reflects. Published files follow the changes of a feed alone, so of
  a table that was made by another SQL its feed gets a change that says so.

  Args:
    news (mapping): see rollup_news.
  Returns: SQL statements.
-#}
{% macro note_rollup(news) -%}
  {%- set feed = config.get('meta').get('feed') -%}
  {%- if news.is_another and feed %}
  insert into state.batches (feed, batch_id, is_full) select '{{ feed }}', {{ next_batch(feed) }}, true;
  {%- endif %}
  {%- for log in news.logs %}
  {{ note_consumed(log) }}
  {%- endfor %}
  {{ note_built("'" ~ local_md5(compiled_code) ~ "'") }}
{%- endmacro %}

{#-
  The current model's SQL, in which it reads something else in the place of some models.

  Args:
    parts (mapping): name of a model that it reads -> table expression.
  Returns: a SQL query.
  Errors: a model that it does not read stops it.
-#}
{% macro reading_parts(parts) -%}
  {%- set sql = namespace(text=compiled_code) -%}
  {%- for name, part in parts.items() -%}
    {%- set relation = graph.nodes['model.' ~ project_name ~ '.' ~ name].relation_name -%}
    {%- if relation not in sql.text -%}
      {{ exceptions.raise_compiler_error(this.identifier ~ ' follows ' ~ name ~ ', but does not read it by ref(); name what it reads in its meta `reads` (macros/follow/rollup.sql)') }}
    {%- endif -%}
    {%- set sql.text = sql.text.replace(relation, part) -%}
  {%- endfor -%}
  {{ return(sql.text) }}
{%- endmacro %}

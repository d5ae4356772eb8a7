{#-
  The materialization `by_difference`: the tables that hold what is contested or waits, for which the incremental strategies
  replace_touched and replace_moved_records say what changes. Nothing runs when no load and no reference moved.
-#}
{% materialization by_difference, adapter='duckdb' %}
  {%- set kept = is_kept() -%}
  {%- if kept and (flags.EMPTY or not is_behind_loads()) %}
    {%- call noop_statement('main', 'NOTHING NEW') -%}
      {{ compiled_code }}
    {%- endcall -%}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
  {%- endif %}

  {%- call statement('begin', auto_begin=true) -%}
    select 1
  {%- endcall -%}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {%- if kept -%}
    {%- set found = make_temp_relation(this) -%}
    {%- do run_statements(create_table_as(True, found, compiled_code)) -%}
    {%- set strategy = adapter.get_incremental_strategy_macro(context, config.get('incremental_strategy')) -%}
    {%- call statement('main') -%}
      {{ strategy({'target_relation': this, 'temp_relation': found, 'dest_columns': adapter.get_columns_in_relation(this)}) }}
    {%- endcall -%}
  {%- else -%}
    {%- do make_table_anew() -%}
  {%- endif -%}
  {%- if not flags.EMPTY -%}{{ run_hooks(post_hooks, inside_transaction=True) }}{%- endif -%}
  {%- do adapter.commit() -%}
  {{ return({'relations': [this.incorporate(type='table')]}) }}
{% endmaterialization %}

{#- Whether a load or a reference moved, or what is declared, since the current model was made. Returns: a boolean. -#}
{% macro is_behind_loads() -%}
  {%- set feed = config.get('meta').feed -%}
  {%- set is_contested = config.get('incremental_strategy') == 'replace_touched' -%}
  {%- set waiting = ['select 1 from (' ~ moved_loads(feed, 'applied' if is_contested else 'judged') ~ ')'] -%}
  {%- if entity(feed).reference -%}{%- do waiting.append(unconsumed_batches([entity(feed).reference.entity])) -%}{%- endif -%}
  {%- if is_contested and declaration(feed) -%}{%- do waiting.append(declared_anew(feed)) -%}{%- endif -%}
  {{ return(run_query('select exists (' ~ waiting | join(' union all ') ~ ')').rows[0][0]) }}
{%- endmacro %}

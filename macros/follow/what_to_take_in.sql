{#-
  Whether an incremental model was made from the file it has now, and whether something waits to be taken in: a file to
  read for a staging model, a load or referenced row that moved for contested keys, a load for what is counted by load, a
  change of the followed entities for what is downstream of them.

  Args:
    fingerprint (SQL expression): see is_built_from.
  Returns: a mapping {is_built, is_waiting} of booleans. Call it from the model's materialization.
  Errors: an incremental strategy that is not listed here stops compilation.
-#}
{% macro what_to_take_in(fingerprint) -%}
  {%- set strategy = config.get('incremental_strategy') -%}
  {%- set meta = config.get('meta') -%}
  {%- if strategy == 'append' -%}
    {%- set waiting = 'select 1 from (' ~ pending_files(meta.feed) ~ ')' -%}
  {%- elif strategy == 'replace_touched' -%}
    {%- set waiting = 'select 1 from (' ~ moved_loads(meta.feed) ~ ')' -%}
    {%- if meta.entity.reference -%}
      {%- set waiting = waiting ~ ' union all ' ~ unconsumed_batches([meta.entity.reference.entity]) -%}
    {%- endif -%}
    {%- if declaration(meta.feed) -%}
      {%- set waiting = waiting ~ ' union all ' ~ declared_anew(meta.feed) -%}
    {%- endif -%}
  {%- elif strategy == 'replace_moved_records' -%}
    {%- set waiting = 'select 1 from (' ~ moved_loads(meta.feed, 'judged') ~ ') union all ' ~ unconsumed_batches([entity(meta.feed).reference.entity]) -%}
  {%- elif strategy == 'follow_loads' -%}
    {%- set waiting = loads_moved() -%}
  {%- elif strategy in ('replace_changed_groups', 'add_changes') -%}
    {%- set waiting = unconsumed_batches((meta.get('feeds') or [meta.feed]) + meta.get('also_follows', [])) -%}
  {%- else -%}
    {{ exceptions.raise_compiler_error("what_to_take_in does not know the incremental strategy '" ~ strategy ~ "'") }}
  {%- endif -%}
  {%- set found = run_query('select ' ~ duckdb__is_built_sql(fingerprint) ~ ', exists (' ~ waiting ~ ')').rows[0] -%}
  {{ return({'is_built': found[0], 'is_waiting': found[1]}) }}
{%- endmacro %}

{#-
  Whether an incremental model would end as it is: no file to read for a staging model, no load or referenced row that
  moved for contested keys, no change of the followed entities for what is downstream of them.

  Returns: a boolean. Call it from the model's materialization.
  Errors: an incremental strategy that is not listed here stops compilation.
-#}
{% macro nothing_to_take_in() -%}
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
  {%- elif strategy in ('replace_changed_groups', 'add_changes') -%}
    {%- set waiting = unconsumed_batches((meta.get('feeds') or [meta.feed]) + meta.get('also_follows', [])) -%}
  {%- else -%}
    {{ exceptions.raise_compiler_error("nothing_to_take_in does not know the incremental strategy '" ~ strategy ~ "'") }}
  {%- endif -%}
  {{ return(run_query('select count(*) from (' ~ waiting ~ ')').rows[0][0] == 0) }}
{%- endmacro %}

{#-
  Whether an entity must be made anew instead of by difference: at its first build and at a full refresh, when its
  staged records were made anew (the entity reflects loads that the ledger no longer has), when the entity it refers to
  was made anew, or when what its rows are read by downstream (declared_anew) is not what it was.

  Args:
    feed (string): the feed.
  Returns: a boolean. Call it from int_<feed>_contested or its hooks.
-#}
{% macro entity_is_rebuilt(feed) -%}
  {%- if not is_kept() -%}
    {{ return(true) }}
  {%- endif -%}
  {%- set gone -%}
    select
      {{ unlogged_changes(feed, 'applied', 'int_' ~ feed ~ '_contested') }}
      {%- if declaration(feed) %}
      + (select count(*) from ({{ declared_anew(feed) }}))
      {%- endif %}
  {%- endset -%}
  {{ return(asked_once(gone)[0][0] > 0) }}
{%- endmacro %}

{#-
  How much a model that follows a feed's loads, and the entity that the feed refers to, can't take in by difference: the
  feed's staged records, or that entity, were made anew.

  Args:
    feed (string): the feed.
    reflected (string): see moved_loads.
    model_name (string): the model.
  Returns: a SQL expression, an integer; 0 when there is nothing.
-#}
{% macro unlogged_changes(feed, reflected, model_name) -%}
  {%- set reference = entity(feed).reference -%}
  (
    (select count(*) from state.{{ reflected }} where feed = '{{ feed }}' and load_id not in (select load_id from state.loads))
    {%- if reference %}
    + (
      select count(*) from state.batches
      where feed = '{{ reference.entity }}' and is_full and batch_id > {{ consumed_batch(model_name, reference.entity) }}
    )
    {%- endif %}
  )
{%- endmacro %}

{#-
  Whether what an entity's rows are read by downstream changed since the entity was made. Models downstream follow
  changes of the entity alone, so such a change makes the entity anew, and with it all that follows.

  Args:
    feed (string): the feed, for which declaration is not none.
  Returns: a SQL query with one row if it changed, else none.
-#}
{% macro declared_anew(feed) -%}
  select 1 as changed
  where not exists (
    select 1 from state.built where model = 'int_{{ feed }}_contested declared' and fingerprint = '{{ declaration(feed) }}'
  )
{%- endmacro %}

{#-
  The fingerprint of what an entity's rows are read by downstream, such as the declaration of payloads: what the macro
  returns that the meta of int_<feed>_contested names in `declared_by`.

  Args:
    feed (string): the feed.
  Returns: a string, or none when nothing is declared.
-#}
{% macro declaration(feed) -%}
  {%- set contested = 'model.' ~ project_name ~ '.int_' ~ feed ~ '_contested' -%}
  {%- set name = graph.nodes.get(contested, {}).get('config', {}).get('meta', {}).get('declared_by') if execute else none -%}
  {{ return(context[name]() if name else none) }}
{%- endmacro %}

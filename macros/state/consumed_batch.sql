{#- The number of the last change of a feed's entity that a model has taken in, as a SQL expression (0: none). Args: model_name and feed (strings). -#}
{% macro consumed_batch(model_name, feed) -%}
  (select coalesce(max(batch_id), 0) from state.consumed where model = '{{ model_name }}' and feed = '{{ feed }}')
{%- endmacro %}

{#- The changes that the current model has yet to take in. Args: names of change logs. Returns: a SQL query. -#}
{% macro unconsumed_batches(logs) -%}
  {%- for log in logs %}
  select batch_id from state.batches where feed = '{{ log }}' and batch_id > {{ consumed_batch(this.identifier, log) }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- Post-hook: note, in the model's own transaction, that it has taken in every change of the feed's entity so far. -#}
{% macro note_consumed(feed) -%}
  delete from state.consumed where model = '{{ this.identifier }}' and feed = '{{ feed }}';
  insert into state.consumed
  select '{{ this.identifier }}', '{{ feed }}', coalesce(max(batch_id), 0) from state.batches where feed = '{{ feed }}';
{%- endmacro %}

{#-
  Whether a model that follows an entity must be made anew: it never was made, a full refresh was asked for, or the
  entity was made anew since.

  Args:
    feed (string): the entity's feed.
  Returns: a boolean. Call it from the model itself.
-#}
{% macro is_rebuilt_after(feed) -%}
  {%- if not execute or not is_incremental() -%}
    {{ return(true) }}
  {%- endif -%}
  {%- set behind -%}
    select distinct batches.feed
    from state.batches as batches
    left join state.consumed as consumed on consumed.model = '{{ this.identifier }}' and consumed.feed = batches.feed
    where batches.is_full and batches.batch_id > coalesce(consumed.batch_id, 0)
  {%- endset -%}
  {{ return(feed in asked_once(behind) | map(attribute=0)) }}
{%- endmacro %}

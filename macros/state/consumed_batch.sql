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

{#- Note, in the model's own transaction, that it has taken in every change of the feed's entity so far. Args: feed (string). Returns: SQL statements. -#}
{% macro note_consumed(feed) -%}
  delete from state.consumed where model = '{{ this.identifier }}' and feed = '{{ feed }}';
  insert into state.consumed
  select '{{ this.identifier }}', '{{ feed }}', coalesce(max(batch_id), 0) from state.batches where feed = '{{ feed }}';
{%- endmacro %}

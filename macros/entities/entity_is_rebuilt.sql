{#-
  Whether an entity must be made anew instead of by difference: at its first build and at a full refresh, when its
  staged records were made anew (the entity reflects loads that the ledger no longer has), or when the entity it
  refers to was made anew.

  Args:
    feed (string): the feed.
  Returns: a boolean. Call it from int_<feed>_contested or its hooks.
-#}
{% macro entity_is_rebuilt(feed) -%}
  {%- if not execute or not is_incremental() -%}
    {{ return(true) }}
  {%- endif -%}
  {%- set reference = entity(feed).reference -%}
  {%- set gone -%}
    select
      (
        select count(*) from state.applied
        where feed = '{{ feed }}' and load_id not in (select load_id from state.loads)
      )
      {%- if reference %}
      + (
        select count(*) from state.batches
        where feed = '{{ reference.entity }}' and is_full
          and batch_id > {{ consumed_batch('int_' ~ feed ~ '_contested', reference.entity) }}
      )
      {%- endif %}
  {%- endset -%}
  {{ return(run_query(gone).rows[0][0] > 0) }}
{%- endmacro %}

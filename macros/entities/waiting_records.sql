{#-
  The clean records of a feed that wait for the entity they refer to: of a model with the incremental strategy
  `replace_changed_records`, those among the changed records (see is_changed_record) when only they are looked at.

  Such a model holds records of the feed named in its meta, with the columns _load_id and that of the reference, and notes
  that it took in the feed's changes (note_consumed).

  Args:
    feed (string): the feed, which declares a reference.
  Returns: a SQL query with the columns _load_id, the referring column, raw_record, _repaired_columns.
-#}
{% macro waiting_records(feed) -%}
  {%- set reference = entity(feed).reference or {'column': '_load_id', 'entity': 'customers'} -%}
  {%- set staged = ref('stg_landing__' ~ feed) -%}
  select
    _load_id,
    {{ reference.column }},
    _raw_record as raw_record,
    _repaired_columns
  from {{ staged if is_rebuilt_after(feed) else rows_where(staged, feed, is_changed_record(feed, consumed_batch(this.identifier, feed))) }}
  where
    _reject_reasons is null
    and _load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
    and {{ reference.column }} not in (select {{ reference.column }} from {{ ref(reference.entity) }})
{%- endmacro %}

{#-
  Whether a record of a feed changed its verdict after a batch: it belongs to a load that came or went, or what it refers to
  became known or unknown.

  Args:
    feed (string): the feed.
    since (SQL expression): the batch.
  Returns: a SQL condition over _load_id and the column of the feed's reference.
-#}
{% macro is_changed_record(feed, since) -%}
  {%- set reference = entity(feed).reference -%}
  (
    _load_id in (select load_id from state.changed_loads where feed = '{{ feed }}' and batch_id > {{ since }} and is_moved)
    {%- if reference %}
    or {{ reference.column }} in (select reference from state.changed_references where feed = '{{ feed }}' and batch_id > {{ since }})
    {%- endif %}
  )
{%- endmacro %}

{#- Incremental strategy: the changed records are deleted, and inserted as they are now; or everything is. -#}
{% macro get_incremental_replace_changed_records_sql(args) -%}
  {%- set feed = config.get('meta').feed -%}
  {%- set columns = args.dest_columns | map(attribute='quoted') | join(', ') -%}
  delete from {{ args.target_relation }}
  {%- if not is_rebuilt_after(feed) %}
  where {{ is_changed_record(feed, consumed_batch(this.identifier, feed)) }}
  {%- endif %};
  insert into {{ args.target_relation }} ({{ columns }}) select {{ columns }} from {{ args.temp_relation }};
{%- endmacro %}

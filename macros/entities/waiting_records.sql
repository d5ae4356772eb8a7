{#-
  The records of a feed that refer to an entity that is not known: those that only wait for it, and those that broke
  rules of their own as well. Of a model with the incremental strategy `replace_changed_records`, those among the changed
  records (see is_changed_record) when only they are looked at.

  Such a model holds records of the feed named in its meta, with the columns _load_id, raw_record and that of the
  reference, and notes that it took in the feed's changes (note_consumed).

  Args:
    feed (string): the feed, which declares a reference.
  Returns: a SQL query with the columns _load_id, the referring column, _reject_reasons, raw_record, _repaired_columns.
-#}
{% macro waiting_records(feed) -%}
  {%- set reference = entity(feed).reference or {'column': '_load_id', 'entity': 'customers'} -%}
  {%- set staged = ref('stg_landing__' ~ feed) -%}
  {%- set waits -%}
    _load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
    and {{ reference.column }} not in (select {{ reference.column }} from {{ ref(reference.entity) }})
  {%- endset -%}
  {#- All of the condition says which rows are read: raw text is most of a record, and hardly any changed record waits. #}
  select
    _load_id,
    {{ reference.column }},
    _reject_reasons,
    _raw_record as raw_record,
    _repaired_columns
  from {{ '(select * from ' ~ staged ~ ' where ' ~ waits ~ ')' if is_rebuilt_after(feed)
    else rows_where(staged, feed, is_changed_record(feed, consumed_batch(this.identifier, feed)) ~ ' and ' ~ waits) }}
{%- endmacro %}

{#-
  Whether a record of a feed changed its verdict after a batch: it belongs to a load that came or went, or what it refers to
  became known or unknown.

  Args:
    feed (string): the feed.
    since (SQL expression): the batch.
  Returns: a SQL condition over _load_id and the column of the feed's reference: one look-up where only loads or only
    references changed, which finds a few records in half the time that two take.
-#}
{% macro is_changed_record(feed, since) -%}
  {%- set loads = "select load_id from state.changed_loads where feed = '" ~ feed ~ "' and batch_id > " ~ since ~ ' and is_moved' -%}
  {%- set is_of_load = '_load_id in (' ~ loads ~ ')' -%}
  {%- if not entity(feed).reference -%}{{ return(is_of_load) }}{%- endif -%}
  {%- set references = changed_references(feed, since) -%}
  {%- set changed = asked_once('select exists (' ~ loads ~ '), exists (' ~ references ~ ')')[0] if execute else [true, true] -%}
  {%- if changed[0] and changed[1] -%}
    {{ return('(' ~ is_of_load ~ ' or ' ~ names_changed_reference(feed, since) ~ ')') }}
  {%- endif -%}
  {{ return(is_of_load if changed[0] else names_changed_reference(feed, since)) }}
{%- endmacro %}

{#- Whether what a record refers to became known or unknown after a batch. Args and result: as is_changed_record. -#}
{% macro names_changed_reference(feed, since) -%}
  {{ return(entity(feed).reference.column ~ ' in (' ~ changed_references(feed, since) ~ ')') }}
{%- endmacro %}

{#- What records of a feed refer to and became known or unknown after a batch. Args: as is_changed_record. Returns: a query. -#}
{% macro changed_references(feed, since) -%}
  {{ return("select reference from state.changed_references where feed = '" ~ feed ~ "' and batch_id > " ~ since) }}
{%- endmacro %}

{#-
  Incremental strategy: the changed records are deleted, and inserted as they are now; or everything is. Those that go
  because of what they refer to are logged, as the published quarantine has them (state.released_records).
-#}
{% macro get_incremental_replace_changed_records_sql(args) -%}
  {%- set feed = config.get('meta').feed -%}
  {%- set columns = args.dest_columns | map(attribute='quoted') | join(', ') -%}
  {%- set since = consumed_batch(this.identifier, feed) -%}
  {%- if not is_rebuilt_after(feed) %}
  insert into state.released_records
  select '{{ feed }}', (select max(batch_id) from state.batches where feed = '{{ feed }}'), _load_id, raw_record
  from {{ args.target_relation }}
  where {{ names_changed_reference(feed, since) }};
  {%- endif %}
  delete from {{ args.target_relation }}
  {%- if not is_rebuilt_after(feed) %}
  where {{ is_changed_record(feed, since) }}
  {%- endif %};
  insert into {{ args.target_relation }} ({{ columns }}) select {{ columns }} from {{ args.temp_relation }};
{%- endmacro %}

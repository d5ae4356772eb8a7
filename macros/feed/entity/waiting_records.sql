{#-
  The records of a feed that refer to an entity that is not known: those that only wait for it, and those that broke
  rules of their own as well. Everything that asks whether a record's reference is known looks here: the few unknown
  values are a hundredth of the known ones.

  For a model int_<feed>_waiting with the incremental strategy `replace_moved_records`: when it is not made anew, only the
  moved records (see is_moved_record) are looked at.

  Args:
    feed (string): the feed, which declares a reference.
  Returns: a SQL query with the columns _load_id, _key_hash, the referring column, _reject_reasons, raw_record,
    _repaired_columns.
-#}
{% macro waiting_records(feed) -%}
  {%- set reference = entity(feed).reference or {'column': '_load_id', 'entity': 'customers'} -%}
  {%- set staged = ref('stg_landing__' ~ feed) -%}
  {%- set only_references_moved = not waiting_is_rebuilt(feed)
    and not asked_once('select exists (select 1 from (' ~ moved_loads(feed, 'judged') ~ '))')[0][0] -%}
  {%- set waits -%}
    _load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
    and {{ reference.column }} is not null
    {%- if only_references_moved and not asked_once(moved_references_query(feed) ~ ' where sign < 0 limit 1') %}
    and false
    {%- elif only_references_moved %}
    and {{ reference.column }} in ({{ moved_references_query(feed) }} where sign < 0)
    {%- else %}
    and {{ reference.column }} not in (select {{ reference.column }} from {{ ref('int_' ~ reference.entity ~ '_accepted') }})
    {%- endif %}
  {%- endset -%}
  {#- All of the condition says which rows are read: raw text is most of a record, and hardly any moved record waits. #}
  select
    _load_id,
    _key_hash,
    {{ reference.column }},
    _reject_reasons,
    _raw_record as raw_record,
    _repaired_columns
  from {{ '(select * from ' ~ staged ~ ' where ' ~ waits ~ ')' if waiting_is_rebuilt(feed)
    else rows_where(staged, feed, is_moved_record(feed) ~ ' and ' ~ waits) }}
{%- endmacro %}

{#- Whether int_<feed>_waiting, the current model, must be made anew. Args: feed. Returns: a boolean. -#}
{% macro waiting_is_rebuilt(feed) -%}
  {%- if not is_kept() -%}
    {{ return(true) }}
  {%- endif -%}
  {{ return(asked_once('select ' ~ unlogged_changes(feed, 'judged', this.identifier))[0][0] > 0) }}
{%- endmacro %}

{#-
  Whether a record may wait now and did not, or the other way round, when int_<feed>_waiting, the current model, last
  looked: its load came or went, or what it refers to became known or unknown.

  Args:
    feed (string): the feed, which declares a reference.
  Returns: a SQL condition over _load_id and the column of the reference.
-#}
{% macro is_moved_record(feed) -%}
  {{ return(is_of_loads_or_references(feed, 'select load_id from (' ~ moved_loads(feed, 'judged') ~ ') as moved', moved_references_query(feed))) }}
{%- endmacro %}

{#- What became known or unknown since the current model looked, as a query. Args: feed, which declares a reference. -#}
{% macro moved_references_query(feed) -%}
  {{ return('select reference from (' ~ moved_references(feed, this.identifier) ~ ') as moved') }}
{%- endmacro %}

{#-
  Whether a record of a feed changed its verdict in the batches after one: it belongs to a load that came or went, or what
  it refers to became known or unknown.

  Args:
    feed (string): the feed.
    since (SQL expression): the batch.
  Returns: a SQL condition over _load_id and the column of the feed's reference.
-#}
{% macro is_changed_record(feed, since) -%}
  {%- set loads = "select load_id from state.changed_loads where feed = '" ~ feed ~ "' and batch_id > " ~ since ~ ' and is_moved' -%}
  {{ return(is_of_loads_or_references(feed, loads, changed_references(feed, since))) }}
{%- endmacro %}

{#- What records of a feed refer to and became known or unknown after a batch. Args: as is_changed_record. Returns: a query. -#}
{% macro changed_references(feed, since) -%}
  {{ return("select reference from state.changed_references where feed = '" ~ feed ~ "' and batch_id > " ~ since) }}
{%- endmacro %}

{#-
  Whether a record belongs to certain loads, or names certain references.

  Args:
    feed (string): the feed.
    loads, references (strings): queries of one column each; without a reference of the feed, the second is not looked at.
  Returns: a SQL condition: one look-up where one of the queries has no rows, because DuckDB then finds a few records in
    half the time.
-#}
{% macro is_of_loads_or_references(feed, loads, references) -%}
  {%- set reference = entity(feed).reference -%}
  {%- set is_of_load = '_load_id in (' ~ loads ~ ')' -%}
  {%- if not reference -%}{{ return(is_of_load) }}{%- endif -%}
  {%- set names_reference = reference.column ~ ' in (' ~ references ~ ')' -%}
  {%- set found = asked_once('select exists (' ~ loads ~ '), exists (' ~ references ~ ')')[0] if execute else [true, true] -%}
  {%- if found[0] and found[1] -%}
    {{ return('(' ~ is_of_load ~ ' or ' ~ names_reference ~ ')') }}
  {%- endif -%}
  {{ return(is_of_load if found[0] else names_reference) }}
{%- endmacro %}

{#-
  Incremental strategy of int_<feed>_waiting: the moved records are deleted, and inserted as they are now; or everything
  is. Those that go because of what they refer to are logged, as the published quarantine has them, under the number that
  the entity's batch is about to get (what was logged by a build that was killed in between may wait again).
-#}
{% macro get_incremental_replace_moved_records_sql(args) -%}
  {%- set feed = config.get('meta').feed -%}
  {%- set reference = entity(feed).reference -%}
  {%- set columns = args.dest_columns | map(attribute='quoted') | join(', ') -%}
  {%- if waiting_is_rebuilt(feed) %}
  delete from {{ args.target_relation }};
  {%- else %}
  insert into state.released_records
  select '{{ feed }}', {{ next_batch(feed) }}, _load_id, _reject_reasons, raw_record, _key_hash, {{ reference.column }}
  from {{ args.target_relation }}
  where {{ reference.column }} in ({{ moved_references_query(feed) }});
  delete from state.released_records
  where
    feed = '{{ feed }}' and batch_id = {{ next_batch(feed) }}
    and reference in ({{ moved_references_query(feed) }} where sign < 0);
  delete from {{ args.target_relation }}
  where {{ is_moved_record(feed) }};
  {%- endif %}
  insert into {{ args.target_relation }} ({{ columns }}) select {{ columns }} from {{ args.temp_relation }};
{%- endmacro %}

{#-
  Post-hook of int_<feed>_waiting, in its transaction: note the loads and references it reflects. Made anew, it makes the
  entity anew, because then nothing is logged. Args: feed.
-#}
{% macro note_judged(feed) -%}
  {%- if waiting_is_rebuilt(feed) %}
  delete from state.consumed where model = 'int_{{ feed }}_contested';
  {%- endif %}
  delete from state.judged where feed = '{{ feed }}';
  insert into state.judged select feed, load_id from state.current_loads where feed = '{{ feed }}';
  {{ note_consumed((entity(feed).reference or {'entity': 'customers'}).entity) }}
{%- endmacro %}

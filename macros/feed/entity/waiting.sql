{#-
  The records of a feed that name something unknown: those that only wait for it, and those that broke rules of their own as
  well. Everything that asks whether a record's reference is known looks here: the few unknown values are a hundredth of
  the known ones.

  Args:
    feed (string): the feed, which declares a reference.
    staged (table expression): its staged records.
    condition (string): which of them to look at.
    sent_back (string): a query of what became unknown, where nothing else changed; else all that is known is asked.
  Returns: a SQL query with the columns _load_id, _key_hash, the referring column, _reject_reasons, raw_record,
    _repaired_columns.
-#}
{% macro duckdb__waiting_records(feed, staged, condition, sent_back=none) -%}
  {%- set reference = entity(feed).reference -%}
  {%- set waits -%}
    {{ condition }} and _load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
    and {{ reference.column }} is not null
    {%- if sent_back %}
    and {{ reference.column }} in ({{ sent_back }})
    {%- else %}
    and {{ reference.column }} not in (select {{ reference.column }} from ({{ accepted_of(reference.entity) }}))
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
  from {{ '(select * from ' ~ staged ~ ' where ' ~ waits ~ ')' if condition == 'true' else rows_where(staged, feed, waits) }}
{%- endmacro %}

{#-
  The statements that bring state.waiting_<feed> up to date, and make the temporary table referring (see change_entity). What
  goes because its reference became known is logged, as the published quarantine has it, under the number that the batch is
  about to get. Where things only became known, nothing else refers to them.

  Args: feed; moved (mapping of booleans): loads, references, sent_back: which of them moved.
-#}
{% macro duckdb__change_waiting_sql(feed, moved) -%}
  {%- set column = entity(feed).reference.column -%}
  {%- set staged = ref('stg_landing__' ~ feed) -%}
  {%- set is_moved = is_of_loads_or_references(feed, 'select load_id from moved_loads', 'select reference from moved_references', [moved.loads, moved.references]) -%}
  insert into state.released_records (feed, batch_id, load_id, reject_reasons, raw_record, key_hash, reference)
  select '{{ feed }}', {{ next_batch(feed) }}, _load_id, _reject_reasons, raw_record, _key_hash, {{ column }}
  from state.waiting_{{ feed }}
  where {{ column }} in (select reference from moved_references where sign > 0);

  delete from state.waiting_{{ feed }} where {{ is_moved }};
  {%- if moved.loads or moved.sent_back %}
  insert into state.waiting_{{ feed }} by name
  {{ duckdb__waiting_records(feed, staged, is_moved, none if moved.loads else 'select reference from moved_references where sign < 0') }};
  {%- endif %}

  create or replace temp table referring as
  {%- if moved.loads or moved.sent_back %}
  select
    _load_id,
    _key_hash,
    {{ column }} as reference,
    _reject_reasons is null as is_clean
  from {{ staged }}
  where {{ column }} in (select reference from moved_references)
  {%- else %}
  select
    load_id as _load_id,
    key_hash as _key_hash,
    reference,
    reject_reasons is null as is_clean
  from state.released_records
  where feed = '{{ feed }}' and batch_id = {{ next_batch(feed) }}
  {%- endif %}
{%- endmacro %}

{#-
  Whether a record belongs to certain loads, or names certain references.

  Args:
    feed (string): the feed.
    loads, references (strings): queries of one column each; without a reference of the feed, the second is not looked at.
    found (list of two booleans): whether these queries have rows.
  Returns: a SQL condition: one look-up where one of the queries has no rows, because DuckDB then finds a few records in
    half the time.
-#}
{% macro is_of_loads_or_references(feed, loads, references, found) -%}
  {%- set reference = entity(feed).reference -%}
  {%- set is_of_load = '_load_id in (' ~ loads ~ ')' -%}
  {%- if not reference -%}{{ return(is_of_load) }}{%- endif -%}
  {%- set names_reference = reference.column ~ ' in (' ~ references ~ ')' -%}
  {%- if found[0] and found[1] -%}
    {{ return('(' ~ is_of_load ~ ' or ' ~ names_reference ~ ')') }}
  {%- endif -%}
  {{ return(is_of_load if found[0] else names_reference) }}
{%- endmacro %}

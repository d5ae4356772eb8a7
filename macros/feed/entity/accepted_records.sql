{#-
  The records of a feed that count: of current loads, clean, and with a reference that is known now.

  Args:
    feed (string): the feed.
  Returns: a SQL query: the entity's columns, ingest_date, _load_id, _key_hash, _tie_break, _file.
-#}
{% macro accepted_records(feed) -%}
  {%- set declared = entity(feed) -%}
  select
    {%- for column in declared.columns %}
    records.{{ column }},
    {%- endfor %}
    loads.ingest_date,
    records._load_id,
    records._key_hash,
    records._tie_break,
    loads.file as _file
  {#- The reference is looked up before the loads are joined: after that DuckDB expects a hundredth of the records that there
      are, and makes its hash table of them, which takes twice as long. #}
  from (
    select *
    from {{ ref('stg_landing__' ~ feed) }}
    where
      _reject_reasons is null
      {%- if declared.reference %}
      and {{ declared.reference.column }} not in (select {{ declared.reference.column }} from {{ ref('int_' ~ feed ~ '_waiting') }})
      {%- endif %}
  ) as records
  inner join state.current_loads as loads on records._load_id = loads.load_id
{%- endmacro %}

{#-
  The quarantined records of a feed: those that broke a rule, and, for a feed with a reference, those that wait.

  Args:
    feed (string): the feed.
  Returns: a SQL query with the columns _load_id, line, reject_reasons, raw_record, and _is_waiting: whether the reference is
    among the reasons.
-#}
{% macro quarantined_records(feed) -%}
  {%- set reference = entity(feed).reference -%}
  select
    records._load_id,
    coalesce(records._line, lines.line) as line,
    records.reject_reasons,
    records.raw_record,
    records._is_waiting
  from (
    select
      *,
      {{ key_hash(['raw_record']) }} as raw_hash,
      row_number() over (partition by _load_id, {{ key_hash(['raw_record']) }}) as occurrence
    from (
      select
        _load_id,
        _line,
        _reject_reasons as reject_reasons,
        _raw_record as raw_record,
        false as _is_waiting
      from {{ ref('stg_landing__' ~ feed) }}
      where
        _reject_reasons is not null
        and _load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
      {%- if reference %}
        and ({{ reference.column }} is null or {{ reference.column }} not in (select {{ reference.column }} from {{ ref('int_' ~ feed ~ '_waiting') }}))
      union all
      select
        _load_id,
        cast(null as bigint) as _line,
        list_sort(list_append(coalesce(_reject_reasons, []), '{{ reference.reason }}')) as reject_reasons,
        raw_record,
        true as _is_waiting
      from {{ ref('int_' ~ feed ~ '_waiting') }}
      {%- endif %}
    ) as quarantined
  ) as records
  left join state.record_lines as lines
    on records._load_id = lines.load_id and records.raw_hash = lines.raw_hash and records.occurrence = lines.occurrence
{%- endmacro %}

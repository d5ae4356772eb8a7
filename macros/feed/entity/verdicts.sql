{#-
  What became of a feed's records, for models and tests. Each macro names the models that it stands on by ref(), so that dbt
  builds them before.

  The records of a feed that count: of current loads, clean, and with a reference that is known.

  Args:
    feed (string): the feed.
  Returns: a table expression: the entity's columns, ingest_date, _load_id, _key_hash, _tie_break, _file.
-#}
{% macro accepted_records(feed) -%}
  {%- do (ref('stg_landing__' ~ feed), ref(feed)) -%}
  {{ return('(' ~ accepted_of(feed) ~ ')' if execute else ref(feed)) }}
{%- endmacro %}

{#- accepted_records as a SQL query, for what is made before the entity's own view. Args: feed (string). -#}
{% macro accepted_of(feed) -%}
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
    from {{ relation_of('stg_landing__' ~ feed) }}
    where
      _reject_reasons is null
      {%- if declared.reference %}
      and {{ declared.reference.column }} not in (select {{ declared.reference.column }} from state.waiting_{{ feed }})
      {%- endif %}
  ) as records
  inner join state.current_loads as loads on records._load_id = loads.load_id
{%- endmacro %}

{#-
  The accepted records of the keys that occur more than once, ranked; rank 1 is the best record of its key, others are
  duplicates.

  Args:
    feed (string): the feed.
  Returns: a relation: the columns of accepted_records, _rank, _is_contested.
-#}
{% macro contested_records(feed) -%}
  {%- do ref(feed) -%}
  {{ return('state.contested_' ~ feed) }}
{%- endmacro %}

{#-
  The records of a feed that name something unknown.

  Args:
    feed (string): the feed, which declares a reference.
  Returns: a relation: see duckdb__waiting_records.
-#}
{% macro waiting_records(feed) -%}
  {%- do ref(feed) -%}
  {{ return('state.waiting_' ~ feed) }}
{%- endmacro %}

{#-
  How many clean records of each load wait for the entity they refer to, and how many of those were repaired.

  Returns: a SQL query with the columns load_id, waiting_count, waiting_repaired_count; no rows where no feed has a reference.
-#}
{% macro waiting_counts() -%}
  {%- for feed in feeds() %}
  {%- set waiting = waiting_records(feed) %}
  {%- if entity(feed).reference %}
  select
    _load_id as load_id,
    count(*) as waiting_count,
    count(_repaired_columns) as waiting_repaired_count
  from {{ waiting }}
  where _reject_reasons is null
  group by _load_id
  union all
  {%- endif %}
  {%- endfor %}
  select
    cast(null as integer) as load_id,
    cast(null as bigint) as waiting_count,
    cast(null as bigint) as waiting_repaired_count
  where false
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
  {%- set waiting = waiting_records(feed) -%}
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
        and ({{ reference.column }} is null or {{ reference.column }} not in (select {{ reference.column }} from {{ waiting }}))
      union all
      select
        _load_id,
        cast(null as bigint) as _line,
        list_sort(list_append(coalesce(_reject_reasons, []), '{{ reference.reason }}')) as reject_reasons,
        raw_record,
        true as _is_waiting
      from {{ waiting }}
      {%- endif %}
    ) as quarantined
  ) as records
  left join state.record_lines as lines
    on records._load_id = lines.load_id and records.raw_hash = lines.raw_hash and records.occurrence = lines.occurrence
{%- endmacro %}

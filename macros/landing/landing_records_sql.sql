{#-
  The records of all files in `landing_batch` as one query: one read_csv per distinct header and dialect, and the
  structural faults beside them. See open_landing.

  Args:
    known (mapping): column name -> names it may have in a file (landing_columns).
    only_loads (list of integers): read these loads only; none reads all.
    is_tied (boolean): the value of _is_tied.
  Returns: a SQL query.
-#}
{% macro duckdb__landing_records_sql(known, only_loads=none, is_tied=false) -%}
  {%- set found = fromjson(run_query(duckdb__files_to_read_sql('and load_id in (' ~ only_loads | join(', ') ~ ')' if only_loads else '')).rows[0][0]) -%}
  select
    cast(null as integer) as _load_id,
    {% for name in known %}cast(null as varchar) as "{{ name }}", {% endfor %}
    cast(null as json) as _extra,
    cast(null as varchar) as _fault,
    cast(null as varchar) as _raw_text,
    {{ is_tied }} as _is_tied,
    'auto' as _date_order,
    'auto' as _decimal
  where false
  {%- for dialect in found.dialects %}
  union all by name
  {{ duckdb__read_csv_records(known, dialect, is_tied) }}
  {%- endfor %}
  {%- for faults in found.faulty %}
  union all by name
  select
    {{ faults.load_id }} as _load_id, reason as _fault, raw_record as _raw_text, {{ is_tied }} as _is_tied
  from read_parquet({{ duckdb__text_literal(faults.faults_path) }})
  {%- endfor %}
{%- endmacro %}

{#- The files of landing_batch with the same header and dialect together, and the files of their faults: one JSON value. -#}
{% macro duckdb__files_to_read_sql(restriction) -%}
  with readable as (
    select * from landing_batch where error is null {{ restriction }}
  ),

  dialects as (
    select
      header,
      delimiter,
      newline,
      has_header,
      quoted_newlines,
      list({'id': load_id, 'path': read_path} order by load_id) as files
    from readable
    where records_read > fault_count
    group by header, delimiter, newline, has_header, quoted_newlines
  )

  select cast(to_json({
    'dialects': (select coalesce(list(dialects order by files[1].id), []) from dialects),
    'faulty': (
      select coalesce(list({'load_id': load_id, 'faults_path': faults_path} order by load_id), []) from readable where fault_count > 0
    )
  }) as varchar)
{%- endmacro %}

{#-
  One reader for the files of one header and dialect. file_index is a file's place in the list, so the load id is
  found by place; it would count otherwise if a filter could prune files, so this query has none. DuckDB reads line
  feeds inside quotes reliably only without parallelism within a file.
-#}
{% macro duckdb__read_csv_records(known, dialect, is_tied) -%}
  {%- set found = {} -%}
  {%- set extra = [] -%}
  {%- set taken = [] -%}
  {%- for name in dialect.header -%}
    {%- set folded = name | lower -%}
    {%- set matches = [] -%}
    {%- for column, names in known.items() if folded in names and column not in found -%}{%- do matches.append(column) -%}{%- endfor -%}
    {%- if matches -%}
      {%- do found.update({matches[0]: 'c' ~ loop.index0}) -%}
    {%- else -%}
      {%- set label = name or 'column_' ~ loop.index -%}
      {%- set label = label ~ '_' ~ loop.index if label in taken or folded in known else label -%}
      {%- do taken.append(label) -%}
      {%- do extra.append((label, 'c' ~ loop.index0)) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set undecodable = extra | selectattr(0, 'equalto', '_undecodable_base64') | map(attribute=1) | first -%}
  {%- set files = dialect.files -%}
  {%- set first_id = files[0].id -%}
  {%- set consecutive = files[-1].id - first_id == files | length - 1 -%}
  select
    cast({% if consecutive %}{{ first_id }} + file_index{% else %}[{{ files | map(attribute='id') | join(', ') }}][cast(file_index as bigint) + 1]{% endif %} as integer) as _load_id,
    {%- for column in known %}
    {{ found.get(column, 'cast(null as varchar)') }} as "{{ column }}",
    {%- endfor %}
    {% if extra %}json_object({% for label, column in extra %}{{ duckdb__text_literal(label) }}, {{ column }}{{ ', ' if not loop.last }}{% endfor %}){% else %}cast(null as json){% endif %} as _extra,
    {% if undecodable %}case when nullif({{ undecodable }}, '') is not null then 'undecodable_message' end{% else %}cast(null as varchar){% endif %} as _fault,
    {{ undecodable or 'cast(null as varchar)' }} as _raw_text,
    {{ is_tied }} as _is_tied,
    'auto' as _date_order,
    'auto' as _decimal
  from read_csv(
    [{% for file in files %}{{ duckdb__text_literal(file.path) }}{{ ', ' if not loop.last }}{% endfor %}],
    columns = { {%- for name in dialect.header %}'c{{ loop.index0 }}': 'VARCHAR'{{ ', ' if not loop.last }}{% endfor -%} },
    auto_detect = false, header = {{ dialect.has_header }}, delim = '{{ dialect.delimiter }}', quote = '"', escape = '"',
    new_line = '{{ '\\r\\n' if dialect.newline == '\r\n' else '\\n' }}', parallel = {{ not dialect.quoted_newlines }}, max_line_size = 16777216
  )
{%- endmacro %}

{#- A text as a SQL string literal. -#}
{% macro duckdb__text_literal(text) -%}
  '{{ text | replace("'", "''") }}'
{%- endmacro %}

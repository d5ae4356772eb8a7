{#-
  The records of the files in landing_batch as one query: one read_csv per layout and way of reading values, and the
  structural faults beside them.

  Args:
    feed (string): the feed.
    only_loads (list of integers): read these loads only; none reads all, an empty list nothing.
    is_tied (boolean): the value of _is_tied.
  Returns: a SQL query with the columns of landing_records.
  Errors: compilation stops if DuckDB would open other files than those of the batch.
-#}
{% macro duckdb__landing_records_sql(feed, only_loads=none, is_tied=false) -%}
  {%- set columns = landing_columns(feed).keys() | list -%}
  {%- set restriction = 'and load_id in (' ~ only_loads | join(', ') ~ ')' if only_loads else '' -%}
  {%- set found = {'layouts': [], 'faults_path': none} -%}
  {%- if only_loads is none or only_loads -%}
    {%- do found.update(fromjson(run_query(duckdb__files_to_read_sql(restriction)).rows[0][0])) -%}
  {%- endif -%}
  select
    cast(null as integer) as _load_id,
    {%- for column in columns %}
    cast(null as varchar) as "{{ column }}",
    {%- endfor %}
    cast(null as json) as _extra,
    cast(null as varchar) as _fault,
    cast(null as varchar) as _raw_text,
    cast(null as bigint) as _line,
    cast(null as varchar) as _date_order,
    cast(null as varchar) as _decimal,
    {{ is_tied }} as _is_tied
  where false
  {%- for layout in found.layouts %}
  union all by name
  {{ duckdb__read_csv_records(columns, layout, is_tied) }}
  {%- endfor %}
  {%- if found.faults_path %}
  union all by name
  select
    cast(batch.load_id as integer) as _load_id,
    faults.reason as _fault,
    faults.raw_record as _raw_text,
    faults.line as _line,
    {{ is_tied }} as _is_tied
  from read_parquet({{ duckdb__text_literal(found.faults_path) }}) as faults
  inner join landing_batch as batch on faults.number = batch.number
  where batch.error is null {{ restriction | replace('load_id', 'batch.load_id') }}
  {%- endif %}
{%- endmacro %}

{#- The parts of landing_batch that are read together, and the file of their faults: one JSON value. -#}
{% macro duckdb__files_to_read_sql(restriction) -%}
  with layouts as (
    select
      any_value(parts.columns) as columns,
      any_value(parts.extra) as extra,
      any_value(parts.delimiter) as delimiter,
      any_value(parts.newline) as newline,
      any_value(parts.has_header) as has_header,
      any_value(parts.quoted_newlines) as quoted_newlines,
      batch.date_order,
      batch.decimal,
      list({'id': parts.load_id, 'path': parts.read_path} order by parts.load_id, parts.part) as files
    from landing_parts as parts
    inner join landing_batch as batch on parts.load_id = batch.load_id
    where batch.error is null {{ restriction | replace('load_id', 'parts.load_id') }}
    group by parts.layout, batch.date_order, batch.decimal
    order by parts.layout, batch.date_order, batch.decimal
  )

  select cast(to_json({
    'layouts': (select coalesce(list(layouts), []) from layouts),
    'faults_path': (select max(faults_path) from landing_batch where error is null and fault_count > 0 {{ restriction }})
  }) as varchar)
{%- endmacro %}

{#-
  One reader for the parts of one layout. DuckDB reads line feeds inside quotes reliably only without parallelism within
  a file.
-#}
{% macro duckdb__read_csv_records(columns, layout, is_tied) -%}
  {%- do duckdb__check_opened_files(layout.files) -%}
  {%- set fields = {} -%}
  {%- set extra = [] -%}
  {%- for column in layout.columns -%}
    {%- set field = 'c' ~ loop.index0 -%}
    {%- if column is not none -%}{%- do fields.update({column: field}) -%}{%- else -%}{%- do extra.append((layout.extra[loop.index0], field)) -%}{%- endif -%}
  {%- endfor -%}
  {%- set undecodable = extra | selectattr(0, 'equalto', '_undecodable_base64') | map(attribute=1) | first -%}
  {%- set because = extra | selectattr(0, 'equalto', '_undecodable_because') | map(attribute=1) | first -%}
  {%- set tombstone = extra | selectattr(0, 'equalto', '_tombstone') | map(attribute=1) | first -%}
  select
    cast({{ duckdb__load_of_file(layout.files) }} as integer) as _load_id,
    {%- for column in columns %}
    {{ fields.get(column, 'cast(null as varchar)') }} as "{{ column }}",
    {%- endfor %}
    {% if extra %}json_object({% for label, field in extra %}{{ duckdb__text_literal(label) }}, {{ field }}{{ ', ' if not loop.last }}{% endfor %}){% else %}cast(null as json){% endif %} as _extra,
    {% if undecodable or tombstone -%}
    case
      {% if undecodable %}when nullif({{ undecodable }}, '') is not null then 'undecodable_message'{% endif %}
      {% if tombstone %}when nullif({{ tombstone }}, '') is not null then 'tombstone_message'{% endif %}
    end
    {%- else %}cast(null as varchar){% endif %} as _fault,
    {% if undecodable and because %}coalesce(nullif({{ because }}, '') || ': ', '') || {% endif %}{{ undecodable or 'cast(null as varchar)' }} as _raw_text,
    cast(null as bigint) as _line,
    '{{ layout.date_order }}' as _date_order,
    '{{ layout.decimal }}' as _decimal,
    {{ is_tied }} as _is_tied
  from read_csv(
    {{ duckdb__paths_literal(layout.files) }},
    columns = { {%- for column in layout.columns %}'c{{ loop.index0 }}': 'VARCHAR'{{ ', ' if not loop.last }}{% endfor -%} },
    auto_detect = false, compression = 'none', header = {{ layout.has_header }}, delim = {{ duckdb__text_literal(layout.delimiter) }}, quote = '"', escape = '"',
    new_line = '{{ '\\r\\n' if layout.newline == '\r\n' else '\\n' }}', parallel = {{ not layout.quoted_newlines }}, max_line_size = 16777216, buffer_size = 33554432
  )
{%- endmacro %}

{#-
  The load id of a row, from its file's place in the list that a reader was given (file_index): it would be another place if
  a filter could prune files, so a query that uses this has no filter. Args: files (list of {id, path}). Returns: SQL.
-#}
{% macro duckdb__load_of_file(files) -%}
  {%- set ids = files | map(attribute='id') | list -%}
  {%- if ids == range(ids[0], ids[0] + ids | length) | list -%}
    {{ return(ids[0] ~ ' + file_index') }}
  {%- endif -%}
  {{ return('[' ~ ids | join(', ') ~ '][cast(file_index as bigint) + 1]') }}
{%- endmacro %}

{% macro duckdb__paths_literal(files) -%}
  [{% for file in files %}{{ duckdb__text_literal(file.path) }}{{ ', ' if not loop.last }}{% endfor %}]
{%- endmacro %}

{#-
  Rows know their load by their file's place in the list, so DuckDB must open just these files in this order. It takes some
  names for patterns; the reader gives it none of those, and this makes sure. (A file that has gone stops the reading itself.)
-#}
{% macro duckdb__check_opened_files(files) -%}
  {%- set paths = duckdb__paths_literal(files) -%}
  {%- if run_query('select count(*) >= ' ~ files | length ~ ' and list(file) != ' ~ paths ~ ' from glob(' ~ paths ~ ')').rows[0][0] -%}
    {{ exceptions.raise_compiler_error('DuckDB would open other files than ' ~ files[0].path ~ ' and the ' ~ (files | length - 1) ~ ' after it; please report it with their names.') }}
  {%- endif -%}
{%- endmacro %}

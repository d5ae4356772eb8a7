{#-
  Whether a record that is being read belongs to somebody who was forgotten.

  Args:
    feed (string): the feed.
  Returns: a SQL condition over landing records (columns of the feed as raw text, _raw_text); none where nobody of the
    feed was forgotten. The raw text of a faulty record is cut at whatever may separate fields.
-#}
{% macro forgotten_condition(feed) -%}
  {{ return(adapter.dispatch('forgotten_condition')(feed)) }}
{%- endmacro %}

{% macro default__forgotten_condition(feed) -%}
  {{ exceptions.raise_compiler_error('forgotten_condition is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__forgotten_condition(feed) -%}
  {%- set conditions = [] -%}
  {%- for column in run_query("select distinct column_name from state.suppressed where feed = '" ~ feed ~ "' order by 1").columns[0].values() -%}
    {%- set fold = column_fold(feed, column) -%}
    {%- set hashes = duckdb__suppressed_hashes(feed, column) -%}
    {%- if column in landing_columns(feed) -%}
      {%- do conditions.append('coalesce(list_contains(' ~ hashes ~ ', ' ~ pii_hash('(' ~ clean_text('"' ~ column ~ '"', fold) ~ ')') ~ '), false)') -%}
    {%- elif 'payload' in landing_columns(feed) -%}
      {%- do conditions.append(duckdb__payload_is_forgotten(personal_field(feed, column), '"payload"', hashes)) -%}
    {%- endif -%}
    {%- do conditions.append('coalesce(' ~ duckdb__raw_text_is_forgotten(duckdb__told_text('_raw_text', "_fault = 'undecodable_message'"), hashes, fold) ~ ', false)') -%}
  {%- endfor -%}
  {{ return(conditions | join(' or ') if conditions else none) }}
{%- endmacro %}

{#- The same over staged records, of one column: by its value, by the raw field, by the raw text of a faulty record. -#}
{% macro duckdb__staged_forgotten_condition(feed, column, fold) -%}
  {%- set hashes = duckdb__suppressed_hashes(feed, column) -%}
  {%- set object = "case when json_valid(_raw_record) and json_type(_raw_record) = 'OBJECT' then _raw_record end" -%}
  {%- set field = "json_extract_string(" ~ object ~ ", '$.\"" ~ column ~ "\"')" -%}
  (
    {%- if column in landing_columns(feed) %}
    coalesce(list_contains({{ hashes }}, {{ pii_hash('cast(' ~ column ~ ' as varchar)') }}), false)
    or coalesce(list_contains({{ hashes }}, {{ pii_hash('(' ~ clean_text(field, fold) ~ ')') }}), false)
    {%- else %}
    {{ duckdb__payload_is_forgotten(personal_field(feed, column), 'payload', hashes) }}
    or {{ duckdb__payload_is_forgotten(personal_field(feed, column), "json_extract_string(" ~ object ~ ", '$.payload')", hashes) }}
    {%- endif %}
    or coalesce({{ duckdb__raw_text_is_forgotten(
      'case when (' ~ object ~ ') is null then ' ~ duckdb__told_text('_raw_record', "list_contains(_reject_reasons, 'undecodable_message')") ~ ' end', hashes, fold
    ) }}, false)
  )
{%- endmacro %}

{#-
  Whether a payload holds a forgotten value at any path of a personal field: as it stands there, or somewhere in what is not of
  the expected shape. Of a payload that is no JSON object, has a name twice on the way, or whose field is no longer declared,
  whatever may be a field is looked at.
-#}
{% macro duckdb__payload_is_forgotten(field, text, hashes) -%}
  {%- set anywhere = 'coalesce(' ~ duckdb__raw_text_is_forgotten(text, hashes, none) ~ ', false)' -%}
  {%- if not field -%}{{ return(anywhere) }}{%- endif -%}
  {%- set payload = "case when json_valid(" ~ text ~ ") then " ~ text ~ " end" -%}
  {%- set paths = payload_paths([field]) -%}
  case
    when {{ text }} is null then false
    when json_type({{ payload }}) is distinct from 'OBJECT' or {{ payload_has_twice(payload, [field]) }} then {{ anywhere }}
    else
      {%- for source in field.sources %}
      {%- set value = payload_part("json_extract_string(" ~ payload ~ ", '" ~ source.path ~ "')", source.part) %}
      coalesce(list_contains({{ hashes }}, {{ pii_hash('(' ~ clean_text('(' ~ value ~ ')') ~ ')') }}), false)
      or
      {%- endfor %}
      {%- for path in payload_parents([field]) + paths %}
      coalesce(
        case
          when json_type({{ payload }}, '{{ path }}') {{ "in ('OBJECT', 'ARRAY')" if path in paths else "not in ('OBJECT', 'NULL')" }}
            then {{ duckdb__raw_text_is_forgotten("json_extract_string(" ~ payload ~ ", '" ~ path ~ "')", hashes, none) }}
        end,
        false
      )
      {{ 'or' if not loop.last }}
      {%- endfor %}
  end
{%- endmacro %}

{% macro duckdb__suppressed_hashes(feed, column) -%}
  (select list(value_hash) from state.suppressed where feed = '{{ feed }}' and column_name = '{{ column }}')
{%- endmacro %}

{#- The text of a faulty record; of a message that could not be decoded, which is kept as base64, what it says. -#}
{% macro duckdb__told_text(text, is_message) -%}
  case when {{ is_message }} then coalesce(try(decode(from_base64({{ text }}))), try(cast(from_base64({{ text }}) as varchar)), {{ text }}) else {{ text }} end
{%- endmacro %}

{% macro duckdb__raw_text_is_forgotten(text, hashes, fold) -%}
  list_has_any({{ hashes }}, list_transform(
    regexp_split_to_array({{ text }}, '[,;\t|"\r\n]'), lambda part: {{ pii_hash('(' ~ clean_text('part', fold) ~ ')') }}
  ))
{%- endmacro %}

{#-
  Fields of payloads, found: the text and the JSON type at every declared path, each payload parsed once for either.

  Args:
    fields (list of mappings): what payload_fields returned.
  Returns: two select items, payload_texts and payload_types, over a relation with the column payload. Types are there of
    payload_parents, too, after those of the paths.
-#}
{% macro payload_values(fields) -%}
  {{ return(adapter.dispatch('payload_values')(fields)) }}
{%- endmacro %}

{% macro default__payload_values(fields) -%}
  {{ exceptions.raise_compiler_error('payload_values is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__payload_values(fields) -%}
  {%- set paths = payload_paths(fields) -%}
  json_extract_string(payload, ['{{ paths | join("', '") }}']) as payload_texts,
  json_type(payload, ['{{ (paths + payload_parents(fields)) | join("', '") }}']) as payload_types
{%- endmacro %}

{#- The paths of fields, each once. Args: fields (what payload_fields returned). Returns: a list of JSON paths. -#}
{% macro payload_paths(fields) -%}
  {%- set paths = [] -%}
  {%- for field in fields -%}
    {%- do paths.extend(field.sources | map(attribute='path')) -%}
  {%- endfor -%}
  {{ return(paths | unique | list) }}
{%- endmacro %}

{#-
  The places above the paths of fields that have to do with personal data: something there that is no object hides what is below.
  Args: fields (what payload_fields returned). Returns: a list of JSON paths, none of them a path of a field.
-#}
{% macro payload_parents(fields) -%}
  {%- set parents = [] -%}
  {%- for field in fields if field.is_personal or field.tells_personal -%}
    {%- for source in field.sources -%}
      {%- set names = source.path.split('.') -%}
      {%- for length in range(2, names | length) -%}{%- do parents.append(names[:length] | join('.')) -%}{%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(parents | unique | reject('in', payload_paths(fields)) | list) }}
{%- endmacro %}

{#-
  Whether a name on the way to fields stands twice in its object: only the first of them is found by its path.

  Args:
    payload (SQL expression): a JSON object.
    fields (list of mappings): some of what payload_fields returned.
  Returns: a SQL condition, false for null.
-#}
{% macro payload_has_twice(payload, fields) -%}
  {{ return(adapter.dispatch('payload_has_twice')(payload, fields)) }}
{%- endmacro %}

{% macro default__payload_has_twice(payload, fields) -%}
  {{ exceptions.raise_compiler_error('payload_has_twice is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__payload_has_twice(payload, fields) -%}
  {%- set names = {} -%}
  {%- for field in fields -%}
    {%- for source in field.sources -%}
      {%- set steps = source.path.split('.') -%}
      {%- for place in range(1, steps | length) -%}
        {%- set found = names.setdefault(steps[:place] | join('.'), []) -%}
        {%- if steps[place] not in found -%}{%- do found.append(steps[place]) -%}{%- endif -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {#- Most payloads are seen not to: a name that stands twice is written twice, or with an escape. #}
  {%- set hints = ["contains(" ~ payload ~ ", '\\')"] -%}
  {%- for name in names.values() | sum(start=[]) | unique -%}
    {%- do hints.append("len(string_split(" ~ payload ~ ", '" ~ name ~ "\"')) > 2") -%}
  {%- endfor -%}
  case when {{ hints | join(' or ') }} then coalesce(
    {%- for object, wanted in names.items() %}
    {%- set kept = "list_filter(json_keys(" ~ payload ~ ", '" ~ object ~ "'), lambda name: name in ('" ~ wanted | join("', '") ~ "'))" %}
    len(list_distinct({{ kept }})) != len({{ kept }})
    {{ 'or' if not loop.last }}
    {%- endfor %},
    false
  ) else false end
{%- endmacro %}

{#- A part of a text that a later version splits. Args: text (SQL expression), part (first_word, other_words or none). -#}
{% macro payload_part(text, part) -%}
  {%- if part == 'first_word' -%}regexp_extract({{ text }}, '\S+')
  {%- elif part == 'other_words' -%}regexp_replace({{ text }}, '^\s*\S+', '')
  {%- else -%}{{ text }}
  {%- endif -%}
{%- endmacro %}

{#-
  The text of a field, not yet cleaned, as the event's own schema version has it; null where it is absent, null, an
  object or a list.

  Args:
    field (mapping): one of `fields`.
    fields (list of mappings): those that payload_values found.
  Returns: a SQL expression over schema_version, payload_texts and payload_types.
-#}
{% macro payload_text(field, fields) -%}
  {{ return(adapter.dispatch('payload_text')(field, fields)) }}
{%- endmacro %}

{% macro default__payload_text(field, fields) -%}
  {{ exceptions.raise_compiler_error('payload_text is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__payload_text(field, fields) -%}
  {%- set paths = payload_paths(fields) -%}
  case
    {%- for source in field.sources %}
    {%- set place = paths.index(source.path) + 1 %}
    {%- set text = 'payload_texts[' ~ place ~ ']' %}
    when schema_version >= {{ source.since }} then
      case
        when payload_types[{{ place }}] in ('OBJECT', 'ARRAY') then null
        else {{ payload_part(text, source.part) }}
      end
    {%- endfor %}
  end
{%- endmacro %}

{#-
  A cleaned text as a declared type; null when it is none of that type, so that odd payloads never fail a build.

  Args:
    type (string): a type of payload_fields.
    value (SQL expression): cleaned text; evaluated several times, so pass a column.
-#}
{% macro payload_typed(type, value) -%}
  {%- if type == 'text' -%}{{ value }}
  {%- elif type == 'amount' -%}{{ parse_amount(value) }}
  {%- elif type == 'number' -%}{{ parse_number(value) }}
  {%- elif type == 'integer' -%}{{ parse_integer(value) }}
  {%- elif type == 'timestamp' -%}{{ parse_timestamp(value) }}
  {%- else -%}case when lower({{ value }}) in ('true', '1', 'yes') then true when lower({{ value }}) in ('false', '0', 'no') then false end
  {%- endif -%}
{%- endmacro %}

{#-
  Fields of payloads, found: the text and the JSON type at every declared path, each payload parsed once for either.

  Args:
    fields (list of mappings): what payload_fields returned.
  Returns: two select items, payload_texts and payload_types, over a relation with the column payload.
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
  json_type(payload, ['{{ paths | join("', '") }}']) as payload_types
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
        {%- if source.part == 'first_word' %}
        else regexp_extract({{ text }}, '\S+')
        {%- elif source.part == 'other_words' %}
        else regexp_replace({{ text }}, '^\s*\S+', '')
        {%- else %}
        else {{ text }}
        {%- endif %}
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

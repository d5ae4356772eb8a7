{#-
  Whether what an event holds at the personal paths may be published as it is: where a field of payloads says that it is not
  personal, at every path that it has in any version, whatever version the event claims. Only JSON's own `false` says so, and
  the field's absence where the declaration (absent: not_personal) makes it say so: then everything above it is an object, or
  absent too.

  Args:
    fields (list of mappings): what payload_fields returned.
  Returns: a SQL condition, never null, over payload, payload_texts and payload_types.
-#}
{% macro payload_is_personal(fields) -%}
  {{ return(adapter.dispatch('payload_is_personal')(fields)) }}
{%- endmacro %}

{% macro default__payload_is_personal(fields) -%}
  {{ exceptions.raise_compiler_error('payload_is_personal is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__payload_is_personal(fields) -%}
  {%- set telling = fields | selectattr('tells_personal') | list -%}
  {%- if not telling -%}{{ return('true') }}{%- endif -%}
  {%- set places = payload_paths(fields) + payload_parents(fields) -%}
  {%- set open = [] -%}
  {%- for field in telling -%}
    {%- for source in field.sources -%}
      {%- set place = places.index(source.path) + 1 -%}
      {%- set is_false = 'coalesce(payload_types[' ~ place ~ "] = 'BOOLEAN' and payload_texts[" ~ place ~ "] = 'false', false)" -%}
      {%- set absent = ['payload_types[' ~ place ~ '] is null'] -%}
      {%- for parent in payload_parents([dict(field, sources=[source])]) -%}
        {%- do absent.append('coalesce(payload_types[' ~ (places.index(parent) + 1) ~ "] = 'OBJECT', true)") -%}
      {%- endfor -%}
      {%- do open.append('(' ~ is_false ~ (' or (' ~ absent | join(' and ') ~ ')' if field.may_be_absent else '') ~ ')') -%}
    {%- endfor -%}
  {%- endfor -%}
  not (
    {{ open | join(' and ') }}
    and not {{ payload_has_twice('payload', telling) }}
  )
{%- endmacro %}

{#-
  The payload as it may leave the warehouse: whole, and with the values at all declared personal paths hashed where the
  event may hold personal data. Every version's paths are looked at, whatever version the event claims; something on the way
  that is no object is hashed itself, and so is the whole of what stands where a name on the way is there twice.

  Args:
    fields (list of mappings): what payload_fields returned.
    is_personal (SQL expression): whether it may (see payload_is_personal).
  Returns: a SQL expression of type VARCHAR over payload, payload_texts and payload_types. A hashed payload is written
    anew: without white space, equal names of one object become one.
-#}
{% macro published_payload(fields, is_personal) -%}
  {{ return(adapter.dispatch('published_payload')(fields, is_personal)) }}
{%- endmacro %}

{% macro default__published_payload(fields, is_personal) -%}
  {{ exceptions.raise_compiler_error('published_payload is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__published_payload(fields, is_personal) -%}
  {%- set places = payload_paths(fields) + payload_parents(fields) -%}
  {%- set personal = fields | selectattr('is_personal') | list -%}
  {%- if not personal -%}{{ return('payload') }}{%- endif -%}
  {%- set tops = [] -%}
  {%- for path in payload_paths(personal) -%}{%- do tops.append(path.split('.')[1]) -%}{%- endfor -%}
  case
    when not {{ is_personal }} then payload
    when {{ payload_has_twice('payload', personal) }} then cast(
      json_merge_patch(
        payload
        {%- for name in tops | unique %},
        case
          when list_contains(json_keys(payload), '{{ name }}')
            then json_object('{{ name }}', {{ pii_hash("coalesce(" ~ clean_text("json_extract_string(payload, '$." ~ name ~ "')") ~ ", '')") }})
          else '{}'
        end
        {%- endfor %}
      ) as varchar
    )
    else cast(
      json_merge_patch(
        payload
        {%- for path in payload_parents(personal) + payload_paths(personal) %}
        {%- set place = places.index(path) + 1 %}
        {%- set text = 'payload_texts[' ~ place ~ ']' if path in payload_paths(fields) else "json_extract_string(payload, '" ~ path ~ "')" %}
        {%- set patch = namespace(value=pii_hash("coalesce(" ~ clean_text(text) ~ ", '')")) %}
        {%- for name in path.split('.')[1:] | reverse %}
          {%- set patch.value = "json_object('" ~ name ~ "', " ~ patch.value ~ ")" %}
        {%- endfor %},
        case
          when payload_types[{{ place }}] {{ "not in ('NULL', 'OBJECT')" if path in payload_parents(personal) else "!= 'NULL'" }} then {{ patch.value }}
          else '{}'
        end
        {%- endfor %}
      ) as varchar
    )
  end
{%- endmacro %}

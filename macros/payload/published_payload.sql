{#-
  The payload as it may leave the warehouse: whole, and with the values at all declared personal paths hashed where the
  event says that it holds personal data. Every version's paths are looked at, whatever version the event claims.

  Args:
    fields (list of mappings): what payload_fields returned.
    is_personal (SQL expression): whether the event says so.
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
  {%- set paths = payload_paths(fields) -%}
  {%- set personal = payload_paths(fields | selectattr('is_personal') | list) -%}
  {%- if not personal -%}{{ return('payload') }}{%- endif -%}
  case
    when {{ is_personal }} then cast(
      json_merge_patch(
        payload
        {%- for path in personal %}
        {%- set place = paths.index(path) + 1 %}
        {%- set patch = namespace(value=pii_hash("coalesce(" ~ clean_text('payload_texts[' ~ place ~ ']') ~ ", '')")) %}
        {%- for name in path.split('.')[1:] | reverse %}
          {%- set patch.value = "json_object('" ~ name ~ "', " ~ patch.value ~ ")" %}
        {%- endfor %},
        case when payload_types[{{ place }}] != 'NULL' then {{ patch.value }} else '{}' end
        {%- endfor %}
      ) as varchar
    )
    else payload
  end
{%- endmacro %}

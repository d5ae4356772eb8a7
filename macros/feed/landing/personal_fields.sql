{#-
  The personal columns of payloads (var payload_fields) by which people can be found in a feed; and the one that a name, or a
  path, means. Args: feed (string), name (string).
-#}
{% macro personal_fields(feed) -%}
  {{ return(payload_fields() | selectattr('is_personal') | list if 'payload' in landing_columns(feed) else []) }}
{%- endmacro %}

{#- The personal field of payloads that a name, or a path, means. Args: feed (string), name (string). -#}
{% macro personal_field(feed, name) -%}
  {%- for field in personal_fields(feed) if field.name == name or ('$.' ~ name) in field.sources | map(attribute='path') -%}
    {{ return(field) }}
  {%- endfor -%}
{%- endmacro %}

{#- How a column's text is folded before it is compared: the meta `fold` of the source's column; none: not at all. Args: feed and column (strings). -#}
{% macro column_fold(feed, column) -%}
  {%- for source in graph.sources.values() if source.source_name == 'landing' and source.name == feed -%}
    {%- set declared = source.columns.get(column, {}) -%}
    {{ return(declared.get('config', {}).get('meta', {}).get('fold') or declared.get('meta', {}).get('fold')) }}
  {%- endfor -%}
{%- endmacro %}

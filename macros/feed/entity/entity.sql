{#-
  The declaration of an entity: the `entity` mapping in the meta of the model int_<feed>_contested.

  Args:
    feed (string): the feed.
  Returns: a mapping with
    key         columns that identify one entity row
    best        pairs of (expression over the staged columns, 'asc' or 'desc'): which record of a key is preferred
    columns     the columns of the entity, besides its ingest_date
    reference   optional mapping {column, entity}: a record counts only while its column holds a key of that entity
-#}
{% macro entity(feed) -%}
  {%- if execute -%}
    {%- set declared = graph.nodes['model.' ~ project_name ~ '.int_' ~ feed ~ '_contested'].config.meta.entity -%}
    {{ return(declared) }}
  {%- endif -%}
  {{ return({'key': ['id'], 'best': [], 'columns': ['id'], 'reference': none}) }}
{%- endmacro %}

{#- The order in which records of one key are preferred, as the text after ORDER BY; it ends in unique columns. Args: feed (string). -#}
{% macro best_first(feed) -%}
  {%- for expression, direction in entity(feed).best %}
  {{ expression }} {{ direction }} nulls last,
  {%- endfor %}
  _file asc,
  _tie_break asc nulls last,
  _load_id desc
{%- endmacro %}

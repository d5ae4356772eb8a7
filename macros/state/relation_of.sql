{#- The relation of a model, by its name, where nothing is built any more and ref() has no place. Args: model (string). -#}
{% macro relation_of(model) -%}
  {{ return(api.Relation.create(database=target.database, schema=target.schema, identifier=model) | string) }}
{%- endmacro %}

{#- The names of all feeds, sorted: the tables of the source `landing`. Returns: a list of strings. -#}
{% macro feeds() -%}
  {%- set names = [] -%}
  {%- for source in (graph.sources.values() if execute else []) if source.source_name == 'landing' -%}
    {%- do names.append(source.name) -%}
  {%- endfor -%}
  {{ return(names | sort) }}
{%- endmacro %}

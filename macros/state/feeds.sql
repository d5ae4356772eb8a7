{#- The names of all feeds: the var `feeds`, which a test compares with the tables of the source `landing`. -#}
{% macro feeds() -%}
  {{ return(var('feeds')) }}
{%- endmacro %}

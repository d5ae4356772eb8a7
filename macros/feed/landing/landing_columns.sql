{#-
  The columns of a feed as its source YAML declares them.

  Args:
    feed (string): table of the source `landing`.
  Returns: a mapping of column name to the lower-case names it may have in a file (the column's own name first,
    then its aliases), in contract order.
  Errors: an unknown feed stops compilation.
-#}
{% macro landing_columns(feed) -%}
  {%- set columns = {} -%}
  {%- for source in graph.sources.values() if source.source_name == 'landing' and source.name == feed -%}
    {%- for column in source.columns.values() -%}
      {%- set aliases = column.get('config', {}).get('meta', {}).get('aliases') or column.get('meta', {}).get('aliases', []) -%}
      {%- do columns.update({column.name: ([column.name] + aliases) | map('lower') | list}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if not columns -%}
    {{ exceptions.raise_compiler_error("The source landing has no table '" ~ feed ~ "' with columns; declare it in models/staging/landing/_landing__sources.yml") }}
  {%- endif -%}
  {{ return(columns) }}
{%- endmacro %}

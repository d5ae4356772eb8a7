{#-
  How the files of a feed are read: what sluice_inspect is told (scripts/sluice/landing/feed.py).

  Args:
    feed (string): table of the source `landing`. Its `meta` gives `key` (list of columns) and may give the options encoding,
      delimiter, quote, escape and header; without them the reader looks at each file.
  Returns: a JSON text.
-#}
{% macro landing_feed(feed) -%}
  {%- set options = {} -%}
  {%- for option in ('encoding', 'delimiter', 'quote', 'escape', 'header') -%}
    {%- set given = source_option(feed, option) -%}
    {%- do options.update({option: none if given == 'auto' else given}) -%}
  {%- endfor -%}
  {%- set limits = {} -%}
  {%- for limit in ('max_columns', 'max_inflated_bytes', 'max_inflation_ratio', 'max_raw_bytes') -%}
    {%- do limits.update({limit: var(limit)}) -%}
  {%- endfor -%}
  {{ return(tojson({
    'feed': feed, 'columns': landing_columns(feed), 'key': source_meta(landing_table(feed)).get('key', []), 'options': options, 'limits': limits
  })) }}
{%- endmacro %}

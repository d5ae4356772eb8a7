{#-
  How the files of a feed are read: what sluice_inspect is told (scripts/sluice/landing/feed.py).

  Args:
    feed (string): table of the source `landing`. Its `meta` gives `key` (list of columns) and may give the options encoding,
      delimiter, quote, escape and header; without them the reader looks at each file.
  Returns: a JSON text.
-#}
{% macro landing_feed(feed) -%}
  {%- set meta = source_meta(feed) -%}
  {%- set options = {} -%}
  {%- for option in ('encoding', 'delimiter', 'quote', 'escape', 'header') -%}
    {%- do options.update({option: meta.get(option)}) -%}
  {%- endfor -%}
  {%- set limits = {} -%}
  {%- for limit in ('max_columns', 'max_inflated_bytes', 'max_inflation_ratio', 'max_raw_bytes') -%}
    {%- do limits.update({limit: var(limit)}) -%}
  {%- endfor -%}
  {{ return(tojson({
    'feed': feed, 'columns': landing_columns(feed), 'key': meta.get('key', []), 'options': options, 'limits': limits
  })) }}
{%- endmacro %}

{#- What the YAML of a feed's source says under `meta`. Args: feed. Returns: a mapping. -#}
{% macro source_meta(feed) -%}
  {%- for source in graph.sources.values() if source.source_name == 'landing' and source.name == feed -%}
    {%- set meta = {} -%}
    {%- do meta.update(source.get('meta') or {}) -%}
    {%- do meta.update((source.get('config') or {}).get('meta') or {}) -%}
    {{ return(meta) }}
  {%- endfor -%}
  {{ return({}) }}
{%- endmacro %}

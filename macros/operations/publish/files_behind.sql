{#-
  The feeds whose tables and files may be brought up to date after this run: released, and with every published model
  of theirs built in it.

  Args:
    results (list of RunResult): the results of the run.
-#}
{% macro published_feeds(results) -%}
  {%- set built = built_models(results) -%}
  {%- set found = [] -%}
  {%- for feed in released_feeds(results) if built_feed(feed, 'sluice', built) and built_feed(feed, 'operations', built) and built_feed(feed, 'tenants', built) -%}
    {%- do found.append(feed) -%}
  {%- endfor -%}
  {{ return(found) }}
{%- endmacro %}

{#-
  What a tree of files ('lake', 'reports', or 'tenants' in published/) has still to take in.

  Args:
    tree (string): the tree.
    feeds (list): the feeds to look at.
    origin (string): what all files are written again for when it changes; none: the warehouse's id.
  Returns: a mapping
    origin   as given
    noted    feed -> identity of its change that the files reflect
    current  feed -> number of its last change
    behind   of the feeds that changed since: the number of the change that the files reflect, or none if everything has
             to be written
    touched  of the lake: source of a table (`clean/orders/data`) -> values of the partitions whose files are not as the
             last build left them
-#}
{% macro files_behind(tree, feeds, origin=none) -%}
  {%- set state = fromjson(run_query("select sluice_files_state('" ~ tree ~ "')").rows[0][0]) -%}
  {%- set warehouse = warehouse_state() -%}
  {%- set origin = origin or warehouse.id -%}
  {%- set noted = state.batches if state.warehouse_id == origin else {} -%}
  {%- set seen = seen_batches(noted, warehouse) -%}
  {%- set current = {} -%}
  {%- set behind = {} -%}
  {%- for feed in feeds if feed in warehouse.batches -%}
    {%- do current.update({feed: warehouse.batches[feed]}) -%}
    {%- if seen.get(feed) != current[feed] -%}{%- do behind.update({feed: seen.get(feed)}) -%}{%- endif -%}
  {%- endfor -%}
  {{ return({'origin': origin, 'noted': noted, 'current': current, 'behind': behind, 'touched': state.touched}) }}
{%- endmacro %}

{#-
  Note that a tree of files has taken in every change of the feeds that were looked at, so that the logs may be cut, and
  what its files are like now.

  Args:
    tree (string): the tree.
    files (mapping): what files_behind returned. What is left in `touched` was not written again.
-#}
{% macro note_files(tree, files) -%}
  {%- set identities = {} -%}
  {%- set lines = [] -%}
  {%- for feed, batch in files.current.items() -%}
    {%- do identities.update({feed: warehouse_state().identities[feed]}) -%}
    {%- do lines.append("('" ~ tree ~ "', '" ~ feed ~ "', " ~ batch ~ ")") -%}
  {%- endfor -%}
  {%- set state = {'warehouse_id': files.origin, 'batches': dict(files.noted, **identities), 'touched': files.touched} -%}
  {%- do run_query("select sluice_note_files('" ~ tree ~ "', " ~ duckdb__text_literal(tojson(state)) ~ ")") -%}
  {%- if lines -%}
    {%- do run_statements(
      "delete from state.consumed where model = '" ~ tree ~ "' and feed in ('" ~ files.current.keys() | join("', '") ~ "');"
      ~ "insert into state.consumed values " ~ lines | join(', ')
    ) -%}
  {%- endif -%}
{%- endmacro %}

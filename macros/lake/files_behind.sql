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
  Returns: a mapping {warehouse_id, current, behind}: the number of each feed's last change; and, of the feeds that
    changed since, the batch the files reflect, or none if everything has to be written.
-#}
{% macro files_behind(tree, feeds) -%}
  {%- set noted = fromjson(run_query("select sluice_files_state('" ~ tree ~ "')").rows[0][0]) -%}
  {%- set warehouse = warehouse_state() -%}
  {%- set seen = noted.batches if noted.warehouse_id == warehouse.id else {} -%}
  {%- set current = {} -%}
  {%- set behind = {} -%}
  {%- for feed in feeds if feed in warehouse.batches -%}
    {%- do current.update({feed: warehouse.batches[feed]}) -%}
    {%- if seen.get(feed) != current[feed] -%}
      {%- do behind.update({feed: none if duckdb__is_unknown(feed, seen, warehouse) or seen[feed] > current[feed] else seen[feed]}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return({'warehouse_id': warehouse.id, 'seen': seen, 'current': current, 'behind': behind}) }}
{%- endmacro %}

{#- Note that a tree of files has taken in every change of the feeds that were looked at, so that the logs may be cut. -#}
{% macro note_files(tree, files) -%}
  {%- set batches = dict(files.seen, **files.current) -%}
  {%- do run_query(
    "select sluice_note_files('" ~ tree ~ "', '" ~ tojson({'warehouse_id': files.warehouse_id, 'batches': batches}) ~ "')"
  ) -%}
  {%- set lines = [] -%}
  {%- for feed, batch in files.current.items() -%}
    {%- do lines.append("('" ~ tree ~ "', '" ~ feed ~ "', " ~ batch ~ ")") -%}
  {%- endfor -%}
  {%- if lines -%}
    {%- do run_statements(
      "delete from state.consumed where model = '" ~ tree ~ "' and feed in ('" ~ files.current.keys() | join("', '") ~ "');"
      ~ "insert into state.consumed values " ~ lines | join(', ')
    ) -%}
  {%- endif -%}
{%- endmacro %}

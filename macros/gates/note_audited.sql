{#-
  on-run-end: remember, for each feed that was released and all of whose tests ran, that its changes so far are sound.
  After a build that tested only a part, or failed, the next build's tests still look at the same changes.

  Args:
    results (list of RunResult): the results of the run.
    released (list of strings): the feeds that may be delivered (deliver).
-#}
{% macro note_audited(results, released) -%}
  {%- set passed = results | selectattr('status', 'in', ['pass', 'warn']) | map(attribute='node.unique_id') | list -%}
  {%- set untested = [] -%}
  {%- for node in graph.nodes.values() if node.resource_type == 'test' and node.unique_id not in passed -%}
    {%- do untested.append(node.config.meta.get('feed')) -%}
  {%- endfor -%}
  {%- set audited = released | reject('in', untested) | list -%}
  {%- if audited -%}{%- do run_statements(duckdb__note_audited_sql(audited)) -%}{%- endif -%}
{%- endmacro %}

{% macro duckdb__note_audited_sql(audited) -%}
  {%- set feeds_csv = "('" ~ audited | join("', '") ~ "')" -%}
  delete from state.audited where feed in {{ feeds_csv }};
  insert into state.audited
  select feed, max(batch_id) from state.batches where feed in {{ feeds_csv }} group by feed
{%- endmacro %}

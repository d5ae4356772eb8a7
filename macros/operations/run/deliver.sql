{#-
  Deliver what a build made: published files, lake, reports, alerts. Python does it (scripts/sluice/deliver), on this
  connection; this macro hands over what dbt knows.

  Args:
    results (list of RunResult): the results of the run.
  Returns: a mapping
    released   the feeds whose tables may be delivered: their models were built and their tests passed
    delivered  those of which everything was
    reflected  feed -> number of the last change that every published file reflects
-#}
{% macro deliver(results) -%}
  {%- set ended = [] -%}
  {%- for result in results -%}
    {%- do ended.append({
      'unique_id': result.node.unique_id,
      'kind': result.node.resource_type,
      'name': result.node.name,
      'status': result.status,
      'meta': result.node.config.meta,
      'depends_on': result.node.depends_on.nodes,
    }) -%}
  {%- endfor -%}
  {%- set entities = {} -%}
  {%- set personal = {} -%}
  {%- for feed in feeds() -%}
    {%- do entities.update({feed: entity(feed)}) -%}
    {%- do personal.update({feed: personal_columns(feed)}) -%}
  {%- endfor -%}
  {%- set run = {
    'results': ended,
    'nodes': graph.nodes,
    'feeds': feeds(),
    'touched_feeds': var('touched_feeds'),
    'publish_days': var('publish_days', none),
    'build': {
      'build_id': invocation_id,
      'published_at': run_started_at.strftime('%Y-%m-%dT%H:%M:%S.%fZ'),
      'contract_version': var('contract_version'),
    },
    'instants': event_instants(),
    'future_begins': future_begins() if var('publish_days', none) is not none else none,
    'entities': entities,
    'personal': personal,
  } -%}
  {#- Nothing is delivered that could still be rolled back. -#}
  {%- do adapter.commit() -%}
  {%- do adapter.store_relation('dbt_plugin', none, [], '', 'deliver', run) -%}
  {{ return(run.delivered) }}
{%- endmacro %}

{#- The columns of a feed that are personal data: meta `pii` of its source. Args: feed (string). Returns: a list of names. -#}
{% macro personal_columns(feed) -%}
  {%- set personal = [] -%}
  {%- for source in graph.sources.values() if source.source_name == 'landing' and source.name == feed -%}
    {%- for column in source.columns.values() if column.get('config', {}).get('meta', {}).get('pii') or column.get('meta', {}).get('pii') -%}
      {%- do personal.append(column.name) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(personal) }}
{%- endmacro %}

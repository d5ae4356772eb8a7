{#-
  The rows of a model that a data test looks at (see audit_extent).

  Args:
    model (Relation): an entity, or a rollup with group_by.
    feed (string): the feed it belongs to; none: all rows are looked at.
  Returns: a table expression. Of a changed entity: the rows of the loads that came, and those of others that changed;
    where no load came, these alone, from the log that is published; of an entity made anew: 100,000 rows, because one SQL
    text has judged them all; of metrics: the changed groups; none where nothing changed.
-#}
{% macro rows_to_audit(model, feed=none) -%}
  {%- set extent = audit_extent(feed) if feed else 'everything' -%}
  {%- set group_by = audited_groups(model) -%}
  {%- if feed and is_audited(feed) -%}
    {{ return('(select * from ' ~ model ~ ' where false) as audited') }}
  {%- endif -%}
  {%- if extent == 'everything' or (extent == 'rebuilt' and group_by) -%}
    {{ return(model) }}
  {%- elif extent == 'rebuilt' -%}
    {{ return('(select * from ' ~ model ~ ' limit 100000) as audited') }}
  {%- elif group_by -%}
    {{ return('(select * from ' ~ model ~ ' where (' ~ group_by.keys() | join(', ') ~ ') in (' ~ unaudited_groups(feed, group_by) ~ ')) as audited') }}
  {%- endif -%}
  {%- set loads = unaudited_loads(feed, true) -%}
  {%- if not loads -%}
    {{ return('(select * from ' ~ logged_changes(feed, audited_batch(feed)) ~ ' as changed where sign > 0) as audited') }}
  {%- endif -%}
  {%- set parts = ['_load_id in (' ~ loads ~ ')'] -%}
  {#- Rows of other loads change with a reference, and where a load went that had the better record. #}
  {%- if entity(feed).reference or asked_once(unaudited_load_went(feed))[0][0] -%}
    {%- do parts.append('_key_hash in (select _key_hash from state.changed_' ~ feed ~ ' where batch_id > ' ~ audited_batch(feed) ~ ')') -%}
  {%- endif -%}
  {{ return(rows_where(model, feed, '(' ~ parts | join(' or ') ~ ')') ~ ' as audited') }}
{%- endmacro %}

{#- The mapping group_by in the meta of a rollup; none for others. Args: model (Relation). -#}
{% macro audited_groups(model) -%}
  {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ model.identifier, {}) if execute else {} -%}
  {{ return(node.get('config', {}).get('meta', {}).get('group_by')) }}
{%- endmacro %}

{#- The groups that a row of the feed's entity left or entered since the feed last passed all its tests. Args: group_by (list of columns): what tells groups apart. -#}
{% macro unaudited_groups(feed, group_by) -%}
  select {{ group_by.values() | join(', ') }} from state.changed_{{ feed }} where batch_id > {{ audited_batch(feed) }}
{%- endmacro %}

{#-
  The declaration of an entity: the `entity` mapping in the meta of the feed's model.

  Args:
    feed (string): the feed.
  Returns: a mapping with
    key         columns that identify one entity row
    best        pairs of (expression over the staged columns, 'asc' or 'desc'): which record of a key is preferred
    columns     the columns of the entity, besides its ingest_date
    reference   optional mapping {column, entity, reason}: a record counts only while its column holds a key of that entity;
                until then it is quarantined for that reason
-#}
{% macro entity(feed) -%}
  {%- if execute -%}
    {{ return(graph.nodes['model.' ~ project_name ~ '.' ~ feed].config.meta.entity) }}
  {%- endif -%}
  {{ return({'key': ['id'], 'best': [], 'columns': ['id'], 'reference': none}) }}
{%- endmacro %}

{#-
  What an entity is: of the accepted records of each key the best. Accepted are clean records of current loads whose
  reference, if they have one, is known.

  Args:
    staged (Relation): the feed's staged records.
    declared (mapping): see entity. (A model's config is not known in its unit tests, so the model gives it itself.)
    referenced (Relation): the entity that its records refer to.
  Returns: a SQL query with the entity's columns, ingest_date, _load_id, _key_hash.
-#}
{% macro best_records(staged, declared, referenced=none) -%}
  select
    {%- for column in declared.columns %}
    {{ column }},
    {%- endfor %}
    ingest_date,
    _load_id,
    _key_hash
  from (
    select
      *,
      row_number() over (partition by {{ declared.key | join(', ') }} order by {{ best_first(declared) | indent(6) }}) as _rank
    from (
      select
        records.*,
        loads.ingest_date,
        loads.file as _file
      from {{ staged }} as records
      inner join {{ current_loads() }} as loads on records._load_id = loads.load_id
      where
        records._reject_reasons is null
        {%- if referenced %}
        and records.{{ declared.reference.column }} in (select {{ declared.reference.column }} from {{ referenced }})
        {%- endif %}
    ) as accepted
  ) as ranked
  where _rank = 1
{%- endmacro %}

{#- The order in which records of one key are preferred, as the text after ORDER BY; it ends in unique columns. Args: declared (mapping): see entity. -#}
{% macro best_first(declared) -%}
  {%- for expression, direction in declared.best %}
  {{ expression }} {{ direction }} nulls last,
  {%- endfor %}
  _file asc,
  _tie_break asc nulls last,
  _load_id desc
{%- endmacro %}

{#-
  The rows of an entity as they are kept: accepted records whose key was seen once, and the best record of each contested
  key. Hardly any key is contested, so hardly a row is stored twice.

  Args:
    feed (string): the feed.
  Returns: a SQL query: the entity's columns, ingest_date, _load_id, _key_hash.
-#}
{% macro entity_rows(feed) -%}
  {%- set columns = entity(feed).columns + ['ingest_date', '_load_id', '_key_hash'] -%}
  select {{ columns | join(', ') }}
  from (
    {{ accepted_of(feed) | indent(4) }}
  ) as accepted
  where _key_hash not in (select _key_hash from state.contested_{{ feed }})
  union all
  select {{ columns | join(', ') }}
  from state.contested_{{ feed }}
  where _rank = 1
{%- endmacro %}

{#-
  Rivals for a key, ranked.

  Args:
    feed (string): the feed.
    rivals (table expression): accepted records.
  Returns: a SQL query: the entity's columns, ingest_date, _load_id, _key_hash, _tie_break, _file, _rank (1 is the best record
    of its key) and _is_contested (another record shares its key hash).
-#}
{% macro ranked_rivals(feed, rivals) -%}
  {%- set declared = entity(feed) -%}
  select
    {%- for column in declared.columns %}
    {{ column }},
    {%- endfor %}
    ingest_date,
    _load_id,
    _key_hash,
    _tie_break,
    _file,
    row_number() over (partition by {{ declared.key | join(', ') }} order by {{ best_first(declared) | indent(4) }}) as _rank,
    count(*) over (partition by _key_hash) > 1 as _is_contested
  from {{ rivals }}
{%- endmacro %}

{#-
  The fingerprint of what an entity's rows are read by downstream, such as the declaration of payloads: what the macro
  returns that the meta of the current model names in `declared_by`. Models downstream follow changes of the entity alone, so
  another declaration makes the entity anew, and with it all that follows.

  Returns: a string; empty when nothing is declared.
-#}
{% macro declaration() -%}
  {%- set name = config.get('meta').get('declared_by') -%}
  {{ return(context[name]() if name else '') }}
{%- endmacro %}

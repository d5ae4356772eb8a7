{#-
  What an entity has to look at again: called in the pre-hook of int_<feed>_contested.

  Compares the loads that are current now with those the entity reflects (state.applied), finds the keys whose
  records came, went, or (for a feed with a reference) were accepted or sent back by a change of the referenced
  entity, and collects every record of those keys. Nothing is written to the warehouse.

  Args:
    feed (string): the feed.

  Leaves behind, when entity_is_rebuilt(feed) is false:
    moved_loads (temp table)  load_id, sign: +1 a load that became current, -1 one that is no longer
    moved_references, referring (temp tables, of a feed with a reference)  reference, sign: +1 what became known, -1
                              unknown; and the records that name one: _load_id, _key_hash, reference, is_clean
    touched     (temp table)  _key_hash
    rivals      (temp table)  every record of the touched keys: the entity's columns, _load_id, _key_hash, _file,
                              ingest_date, _tie_break, was_accepted, is_accepted
-#}
{% macro open_changes(feed) -%}
  {{ return(adapter.dispatch('open_changes')(feed)) }}
{%- endmacro %}

{% macro default__open_changes(feed) -%}
  {{ exceptions.raise_compiler_error('open_changes is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__open_changes(feed) -%}
  {%- if execute and flags.WHICH in ('build', 'run') and not entity_is_rebuilt(feed) %}
    {%- do run_statements(duckdb__open_changes_sql(feed)) %}
  {%- endif %}
{%- endmacro %}

{#- Whether loads moved, or the records that wait are behind what they refer to, as a query. Args: feed (string): a feed with a reference. -#}
{% macro moved_besides_references(feed) -%}
  {%- set referenced = entity(feed).reference.entity -%}
  select
    exists (select 1 from ({{ moved_loads(feed) }}))
    or exists (
      select 1 from state.batches
      where feed = '{{ referenced }}' and batch_id > {{ consumed_batch('int_' ~ feed ~ '_waiting', referenced) }}
    )
{%- endmacro %}

{#-
  The records of a feed that name a moved reference (of loads that went, some may be missing: their keys are touched
  anyway). Where things only became known, int_<feed>_waiting has just logged the records that waited for them.

  Args:
    feed (string): the feed, which declares a reference.
  Returns: a SQL query with the columns of the temporary table `referring` (see open_changes).
-#}
{% macro referring_records(feed) -%}
  {%- set waited = 'select not (' ~ moved_besides_references(feed) ~ ') and not exists (select 1 from ('
    ~ moved_references(feed, 'int_' ~ feed ~ '_contested') ~ ') where sign < 0)' -%}
  {%- if asked_once(waited)[0][0] -%}
  select
    load_id as _load_id,
    key_hash as _key_hash,
    reference,
    reject_reasons is null as is_clean
  from state.released_records
  where feed = '{{ feed }}' and batch_id = {{ next_batch(feed) }} and reference in (select reference from moved_references)
  {%- else -%}
  {%- set column = entity(feed).reference.column -%}
  select
    _load_id,
    _key_hash,
    {{ column }} as reference,
    _reject_reasons is null as is_clean
  from {{ ref('stg_landing__' ~ feed) }}
  where {{ column }} in (select reference from moved_references)
  {%- endif -%}
{%- endmacro %}

{% macro duckdb__open_changes_sql(feed) -%}
  {%- set declared = entity(feed) -%}
  {%- set staged = ref('stg_landing__' ~ feed) -%}
  create or replace temp table moved_loads as
  {{ moved_loads(feed) | indent(2) }};

  {% if declared.reference %}
  create or replace temp table moved_references as
  {{ moved_references(feed, 'int_' ~ feed ~ '_contested') | indent(2) }};

  create or replace temp table referring as
  {{ referring_records(feed) | indent(2) }};
  {% endif %}

  create or replace temp table touched as
  select _key_hash
  from {{ staged }}
  where _reject_reasons is null and _load_id in (select load_id from moved_loads)
  {%- if declared.reference %}
  union
  select _key_hash from referring where is_clean
  {%- else %}
  group by _key_hash
  {%- endif %};

  create or replace temp table rivals as
  select
    {%- for column in declared.columns %}
    staged.{{ column }},
    {%- endfor %}
    loads.ingest_date,
    staged._load_id,
    staged._key_hash,
    staged._tie_break,
    loads.file as _file,
    staged._load_id in (select load_id from state.applied where feed = '{{ feed }}') as was_accepted,
    staged._load_id in (select load_id from state.current_loads where feed = '{{ feed }}') as is_accepted
  from {{ rows_where(staged, feed, '_key_hash in (select _key_hash from touched)') }} as staged
  join state.loads as loads on staged._load_id = loads.load_id
  where staged._reject_reasons is null;

  {% if declared.reference %}
  {%- set reference = declared.reference %}
  {#- A table, so that DuckDB knows how few they are and looks the rivals up among them, not among all there are. Of loads
      that went nothing waits any more: where loads moved, all that is known is asked. #}
  create or replace temp table known_references as
  {%- if asked_once(moved_besides_references(feed))[0][0] %}
  select {{ reference.column }} as reference
  from {{ ref('int_' ~ reference.entity ~ '_accepted') }}
  where {{ reference.column }} in (select {{ reference.column }} from rivals);
  {%- else %}
  select distinct {{ reference.column }} as reference
  from rivals
  where {{ reference.column }} not in (select {{ reference.column }} from {{ ref('int_' ~ feed ~ '_waiting') }});
  {%- endif %}

  update rivals
  set
    is_accepted = is_accepted and {{ reference.column }} in (select reference from known_references),
    was_accepted = was_accepted and (
      {{ reference.column }} in (select reference from moved_references where sign < 0)
      or (
        {{ reference.column }} in (select reference from known_references)
        and {{ reference.column }} not in (select reference from moved_references where sign > 0)
      )
    );
  {% endif %}
{%- endmacro %}

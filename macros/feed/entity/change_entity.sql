{#-
  Change what is kept of an entity, the current model, by difference, in the open transaction.

  Finds the keys whose records came, went, or (for a feed with a reference) were accepted or sent back by a change of the
  referenced entity, collects every record of those keys, logs the difference between the best records before and after, and
  replaces what is contested. A record that stays as it is cancels out, so a rewrite that changes nothing leaves no trace.

  Args:
    feed (string): the feed.
  Leaves behind, as temporary tables:
    moved_loads       load_id, sign: +1 a load that became current, -1 one that is no longer
    moved_references, referring  of a feed with a reference: reference, sign: +1 what became known, -1 unknown; and the
                      records that name one: _load_id, _key_hash, reference, is_clean
    touched           _key_hash
    rivals            every record of the touched keys: the entity's columns, _load_id, _key_hash, _file, ingest_date,
                      _tie_break, was_accepted, is_accepted
    ranked            those that are accepted, ranked (see ranked_rivals)
-#}
{% macro duckdb__change_entity(feed) -%}
  {%- set reference = entity(feed).reference -%}
  {%- set moved = {'loads': true, 'references': false, 'sent_back': false} -%}
  {%- do run_statements('create or replace temp table moved_loads as ' ~ moved_loads(feed)) -%}
  {%- if reference -%}
    {%- do run_statements('create or replace temp table moved_references as ' ~ moved_references(feed)) -%}
    {%- set found = run_query('select exists (from moved_loads), exists (from moved_references), exists (from moved_references where sign < 0)').rows[0] -%}
    {%- do moved.update({'loads': found[0], 'references': found[1], 'sent_back': found[2]}) -%}
    {%- do run_statements(duckdb__change_waiting_sql(feed, moved)) -%}
  {%- endif -%}
  {%- do run_statements(duckdb__rank_touched_sql(feed, moved)) -%}
  {%- do run_statements(duckdb__replace_touched_sql(feed)) -%}
{%- endmacro %}

{#- The statements that make touched, rivals and ranked. Args: feed; moved: whether loads moved, and references. -#}
{% macro duckdb__rank_touched_sql(feed, moved) -%}
  {%- set declared = entity(feed) -%}
  {%- set reference = declared.reference -%}
  {%- set staged = ref('stg_landing__' ~ feed) -%}
  create or replace temp table touched as
  select _key_hash
  from {{ staged }}
  where _reject_reasons is null and _load_id in (select load_id from moved_loads)
  {%- if reference %}
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

  {% if reference %}
  {#- A table, so that DuckDB knows how few they are and looks the rivals up among them, not among all there are. Of loads
      that went nothing waits any more: where loads moved, all that is known is asked. #}
  create or replace temp table known_references as
  {%- if moved.loads %}
  select {{ reference.column }} as reference
  from ({{ accepted_of(reference.entity) }})
  where {{ reference.column }} in (select {{ reference.column }} from rivals);
  {%- else %}
  select distinct {{ reference.column }} as reference
  from rivals
  where {{ reference.column }} not in (select {{ reference.column }} from state.waiting_{{ feed }});
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
  create or replace temp table ranked as
  {{ ranked_rivals(feed, '(select * from rivals where is_accepted)') }}
{%- endmacro %}

{#-
  The statements that log the signed difference of the best records, the loads and references that moved, and the number of the
  batch, if there is a difference; then the touched keys are replaced. Keys that are no longer contested leave the table.
-#}
{% macro duckdb__replace_touched_sql(feed) -%}
  {%- set reference = entity(feed).reference -%}
  {%- set columns = (entity(feed).columns + ['ingest_date', '_key_hash']) | join(', ') -%}
  {%- set next = next_batch(feed) -%}
  insert into state.changed_{{ feed }} by name
  with uncontested_before as (
    select {{ columns }}, -1 as sign
    from rivals
    where
      was_accepted
      and _key_hash not in (select _key_hash from state.contested_{{ feed }} where _key_hash in (select _key_hash from touched))
  ),

  contested_before as (
    select {{ columns }}, -1 as sign
    from state.contested_{{ feed }}
    where _rank = 1 and _key_hash in (select _key_hash from touched)
  ),

  best_after as (
    select {{ columns }}, 1 as sign from ranked where _rank = 1
  ),

  signed as (
    select * from uncontested_before
    union all by name
    select * from contested_before
    union all by name
    select * from best_after
  )

  select {{ columns }}, cast(sum(sign) as tinyint) as sign, {{ next }} as batch_id
  from signed
  group by {{ columns }}
  having sum(sign) != 0;

  insert into state.changed_loads
  select '{{ feed }}', {{ next }}, load_id, true from moved_loads
  {%- if reference %}
  union
  select '{{ feed }}', {{ next }}, _load_id, false
  from referring
  where
    _load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
    and _load_id not in (select load_id from moved_loads);

  insert into state.changed_references
  select distinct '{{ feed }}', {{ next }}, moved_references.reference, moved_references.sign
  from referring
  inner join moved_references on referring.reference = moved_references.reference
  where referring._load_id in (select load_id from state.current_loads where feed = '{{ feed }}')
  {%- endif %};

  delete from state.contested_{{ feed }} where _key_hash in (select _key_hash from touched);
  insert into state.contested_{{ feed }} by name select * from ranked where _is_contested;

  insert into state.batches (feed, batch_id, is_full)
  select '{{ feed }}', {{ next }}, false
  where
    exists (select 1 from state.changed_{{ feed }} where batch_id = {{ next }})
    or exists (select 1 from state.changed_loads where feed = '{{ feed }}' and batch_id = {{ next }})
{%- endmacro %}

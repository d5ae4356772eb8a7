{#-
  Models that hold sums over the rows of entities: counts, and exact sums of decimals. Such a sum changes by what came
  minus what went, so a build adds the logged differences and reads nothing else. (Sums of doubles depend on the order of
  addition; models with those use replace_changed_groups.)

  A model with the incremental strategy `add_changes` selects from signed_rows(feed), sums over `sign`, notes every feed
  it follows (note_all_consumed), has its key as unique_key, and a meta that holds
    feed    the feed it follows; or
    feeds   the feeds it follows: the model then has a column `feed`
    sums    the columns that are sums; a row of which all are 0 leaves the table
  Where an instant or a date is in the key, which then is never null, present rows are looked for between its first and last
  changed value only.
-#}

{#-
  The rows whose sums a model adds: all of the entity, with sign 1, when the model is made anew; else what changed.

  Args:
    feed (string): the feed.
    entity_relation (Relation): ref() of its entity.
  Returns: a table expression with the entity's columns, ingest_date and sign.
-#}
{% macro signed_rows(feed, entity_relation) -%}
  {%- if is_rebuilt_after(feed) -%}
    {{ return('(select *, 1 as sign from ' ~ entity_relation ~ ')') }}
  {%- endif -%}
  {{ return('(select * from state.changed_' ~ feed ~ ' where batch_id > ' ~ consumed_batch(this.identifier, feed) ~ ')') }}
{%- endmacro %}

{#- Post-hook: note_consumed for several feeds. -#}
{% macro note_all_consumed(feeds) -%}
  {%- for feed in feeds -%}
  {{ note_consumed(feed) }}
  {%- endfor -%}
{%- endmacro %}

{#- Incremental strategy: rows of the feeds that were made anew are deleted; then the new sums are added to the old. -#}
{% macro get_incremental_add_changes_sql(args) -%}
  {{ return(adapter.dispatch('add_changes_sql')(args)) }}
{%- endmacro %}

{% macro default__add_changes_sql(args) -%}
  {{ exceptions.raise_compiler_error('add_changes is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__add_changes_sql(args) -%}
  {%- set meta = config.get('meta') -%}
  {%- set key = config.get('unique_key') -%}
  {%- set columns = args.dest_columns | map(attribute='quoted') | join(', ') -%}
  {%- set same_key = [] -%}
  {%- for column in key -%}{%- do same_key.append('added.' ~ column ~ ' is not distinct from present.' ~ column) -%}{%- endfor -%}
  {%- set same_key = same_key | join(' and ') -%}
  {%- set within_changes = duckdb__within_changes(args, key) -%}
  {%- for feed in meta.get('feeds') or [meta.feed] if is_rebuilt_after(feed) %}
  delete from {{ args.target_relation }}{{ " where feed = '" ~ feed ~ "'" if meta.get('feeds') }};
  {%- endfor %}

  create or replace temp table sums_now as
  with added as (
    select * from {{ args.temp_relation }}
  ),

  summed as (
    select {{ columns }} from added
    union all
    select {{ columns }} from {{ args.target_relation }} as present
    where {{ within_changes }} and exists (select 1 from added where {{ same_key }})
  )

  select {{ key | join(', ') }}{% for column in meta.sums %}, sum({{ column }}) as {{ column }}{% endfor %}
  from summed
  group by {{ key | join(', ') }};

  delete from {{ args.target_relation }} as present
  where {{ within_changes }} and exists (select 1 from sums_now as added where {{ same_key }});

  insert into {{ args.target_relation }} ({{ columns }})
  select {{ columns }} from sums_now
  where {% for column in meta.sums %}{{ column }} != 0{{ ' or ' if not loop.last }}{% endfor %};
{%- endmacro %}

{#- The condition, as text, that a present row lies in the time of the new sums; true where no time is in the key. -#}
{% macro duckdb__within_changes(args, key) -%}
  {%- for column in args.dest_columns if column.name in key and column.dtype.upper() in ('TIMESTAMP', 'DATE') -%}
    {%- set span = run_query('select min(' ~ column.quoted ~ '), max(' ~ column.quoted ~ ') from ' ~ args.temp_relation).rows[0] -%}
    {{ return('false' if span[0] is none else
      'present.' ~ column.quoted ~ ' between ' ~ column.dtype ~ " '" ~ span[0] ~ "' and " ~ column.dtype ~ " '" ~ span[1] ~ "'") }}
  {%- endfor -%}
  {{ return('true') }}
{%- endmacro %}

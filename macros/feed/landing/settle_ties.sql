{#-
  After record_loads, in the same transaction: find the keys that the new files hold more than once, and give the records
  that no preference can tell apart their md5.

  Records of one key, one file and equal preference are ranked by the md5 of their raw fields. Hashing every record
  for the few that need it would cost a tenth of a build, so they are read a second time: only files that hold such
  records, and only the records of those keys.

  Args:
    feed (string): the feed.
    staged (Relation): the staging table.
  Leaves behind state.repeated_<feed> (the hashes of the repeated keys among the accepted records just loaded) and
  state.last_load (the first of those load ids).
-#}
{% macro duckdb__settle_ties(feed, staged) -%}
  {%- set tied_loads = [] -%}
  {%- if run_query('select exists (select 1 from landing_batch where error is null)').rows[0][0] -%}
    {%- set find_tied = duckdb__find_repeated_sql(feed, staged) ~ duckdb__find_ties_sql(feed, staged, entity(feed)) -%}
    {%- do tied_loads.extend(run_query(find_tied ~ 'select distinct _load_id from tied').columns[0].values()) -%}
  {%- endif -%}
  {%- if tied_loads | length > 0 -%}
    {%- do run_statements(
      'create or replace temp view landing_records as ' ~ without_forgotten(feed, duckdb__landing_records_sql(feed, tied_loads, true)) ~ ';'
      ~ ' delete from ' ~ staged ~ ' using tied where ' ~ staged.identifier ~ '._load_id = tied._load_id and '
      ~ staged.identifier ~ '._key_hash = tied._key_hash and ' ~ staged.identifier ~ '._reject_reasons is null;'
      ~ ' insert into ' ~ staged ~ ' by name select reread.* from (' ~ compiled_code ~ ') as reread'
      ~ ' join tied on reread._load_id = tied._load_id and reread._key_hash = tied._key_hash where reread._reject_reasons is null'
    ) -%}
  {%- endif -%}
{%- endmacro %}

{% macro duckdb__find_repeated_sql(feed, staged) -%}
  create or replace table state.repeated_{{ feed }} as
  select _key_hash
  from {{ staged }}
  where _reject_reasons is null and _load_id >= {{ duckdb__first_load_id() }}
  group by _key_hash
  having count(*) > 1;

  delete from state.last_load where feed = '{{ feed }}';
  insert into state.last_load select '{{ feed }}', min(load_id) from landing_batch;
{%- endmacro %}

{#-
  Records of one key and file with the same preference but other content. A copy of a record needs no ranking. Contents are
  compared where the preferences are the same, which few columns tell.
-#}
{% macro duckdb__find_ties_sql(feed, staged, declared) -%}
  {%- set preference %}{% for expression, direction in declared.best %}, {{ expression }}{% endfor %}{% endset -%}
  create or replace temp table alike as
  with rivals as (
    select *, '' as _file
    from {{ staged }}
    where
      _reject_reasons is null
      and _load_id >= {{ duckdb__first_load_id() }}
      and _key_hash in (select _key_hash from state.repeated_{{ feed }})
  )

  select _load_id, _key_hash
  from rivals
  group by _load_id, _key_hash{{ preference }}
  having count(*) > 1;

  create or replace temp table tied as
  with rivals as (
    select *, '' as _file
    from {{ staged }}
    where _reject_reasons is null and (_load_id, _key_hash) in (select _load_id, _key_hash from alike)
  )

  select distinct _load_id, _key_hash
  from rivals
  group by _load_id, _key_hash, "{{ declared.key | join('", "') }}"{{ preference }}
  having count(distinct struct_pack({% for column in declared.columns %}"{{ column }}" := "{{ column }}"{{ ', ' if not loop.last }}{% endfor %})) > 1;
{%- endmacro %}

{#-
  The materialization `records`: a staging model's SQL says what becomes of a landing record; what is made is a table of the
  records of every file version that was read, each judged once. A build reads the files that are new, and appends.

  Reading, the ledger (state.loads), ties and erasure belong to it: rows and ledger lines are written in one transaction.
  With --empty nothing is read.

  A model needs `meta: {feed: …}`, reads landing_records, and has the columns _load_id, _key_hash, _reject_reasons,
  _repaired_columns, _raw_record and _tie_break; with _forms its files are asked how they write day, month and decimals
  (see value_forms), with _line its rejected records know their line. It keeps the order of its rows: it joins nothing.
-#}
{% materialization records, adapter='duckdb' %}
  {%- set feed = config.get('meta').feed -%}
  {%- set staged = this.incorporate(type='table') -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- set is_new = existing is none or not existing.is_table or should_full_refresh() -%}

  {%- if flags.EMPTY -%}
    {%- if existing is none -%}{%- do run_statements(duckdb__prepare_staged_sql(staged, true)) -%}{%- endif -%}
  {%- elif is_new or is_behind_landing(feed) -%}
    {%- do duckdb__take_in_landing(feed, staged, is_new) -%}
  {%- endif -%}
  {%- call noop_statement('main', 'OK') -%}
    {{ compiled_code }}
  {%- endcall -%}
  {{ return({'relations': [staged]}) }}
{% endmaterialization %}

{#- Whether the landing zone holds something of a feed that its staged records do not reflect. Returns: a boolean. -#}
{% macro is_behind_landing(feed) -%}
  {{ return(run_query(
    'select exists (select 1 from (' ~ pending_files(feed) ~ ')) or exists (' ~ newly_gone_files(feed) ~ ')'
  ).rows[0][0]) }}
{%- endmacro %}

{% macro duckdb__take_in_landing(feed, staged, is_new) -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {%- do run_statements(duckdb__create_landing_batch(feed, is_new)) -%}
  {%- do run_statements('begin transaction;' ~ duckdb__note_unchanged_files(feed) ~ 'commit;') -%}
  {%- call statement('begin', auto_begin=true) -%}
    select 1
  {%- endcall -%}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {%- if is_new or run_query('select count(*) from landing_batch').rows[0][0] -%}
    {%- do duckdb__read_landing(feed, staged, is_new) -%}
    {%- do duckdb__record_loads(feed, staged, is_new) -%}
    {%- do duckdb__settle_ties(feed, staged) -%}
    {%- do run_statements(note_built("'" ~ local_md5(compiled_code) ~ "'")) -%}
  {%- endif -%}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {%- do adapter.commit() -%}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
{%- endmacro %}

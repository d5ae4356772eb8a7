{#-
  The machinery's own tables, in the schema `state`. Models are what people query; these remember what was done.

    loads     one row per load of a landing file: the ledger from which file_loads is made
    applied   one row per load whose records the feed's entity reflects (see the materialization entity)
    contested_<feed>  the accepted records of the keys that occur more than once, ranked (see contested_records)
    waiting_<feed>  the records that name something unknown (see waiting_records)
    batches   one row per change of an entity, numbered; is_full: everything may have changed. Numbers order the changes of one
              warehouse, and repeat when an older one is brought back; `identity` never does, so files outside note that
    consumed  the last batch that each model downstream of an entity has taken in
    audited   the last batch of each feed that passed all its tests (see note_audited)
    changed_loads  one row per load whose records came or went (is_moved), or some of which changed their verdict, in a
              batch
    changed_references  one row per value that records of a feed refer to and that became known (sign 1), or unknown (-1),
              in a batch
    released_records  the records that waited for what they refer to, until a batch, and which rules of their own they broke
              (see duckdb__change_waiting_sql)
    changed_<feed>  signed difference of the entity's rows, per batch (see duckdb__change_entity)
    repeated_<feed>, last_load  what the last load of a feed brought (see settle_ties)
    forgotten the last batch of each feed whose logged changes were deleted
    runs      one row per dbt run
    built     what each table of the project's own materializations was made from (see is_built_from)
    suppressed  keyed hashes of the values of people who were forgotten (see forget)
    erased    how many records forgetting took out of a version of a file
    record_lines  the line of each record whose raw text is kept, by the hash of that text and, where a load has it
              several times, its number (see duckdb__number_lines_sql)
    seen_alerts  the alerts that stand, and since when (see note_seen_alerts)
    purge_due the feeds of which forgotten records may still stand in free pages (see purge_forgotten)
    transaction_categories  one row per transaction id ever seen: the prediction service's answer to its content
              (see ask_for_categories). Outlives a full refresh, so that nothing is asked twice.
    current_loads (view)  the loads whose records count: the last one of each file that went well
-#}
{% macro create_state() -%}
  {{ return(adapter.dispatch('create_state')()) }}
{%- endmacro %}

{% macro default__create_state() -%}
  {{ exceptions.raise_compiler_error('create_state is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__create_state() -%}
  {{ duckdb__drop_models_of_older_versions() }}
  create schema if not exists state;
  create sequence if not exists state.load_ids;
  create table if not exists state.loads (
    load_id integer not null, feed varchar not null, file varchar not null, ingest_date date,
    size_bytes bigint, modified_ns bigint, rule_set varchar, run_id varchar, loaded_at timestamp,
    can_retry boolean, records_read bigint, accepted_count bigint, rejected_count bigint, repaired_count bigint,
    error varchar, is_forgotten boolean default false
  );
  create table if not exists state.applied (feed varchar not null, load_id integer not null);
  create table if not exists state.batches (feed varchar not null, batch_id integer not null, is_full boolean not null);
  alter table state.batches add column if not exists identity varchar default cast(uuid() as varchar);
  create table if not exists state.changed_loads (feed varchar not null, batch_id integer not null, load_id integer not null);
  alter table state.changed_loads add column if not exists is_moved boolean default true;
  create table if not exists state.changed_references (feed varchar not null, batch_id integer not null, reference varchar not null);
  alter table state.changed_references add column if not exists sign tinyint;
  create table if not exists state.released_records (feed varchar not null, batch_id integer not null, load_id integer not null, reject_reasons varchar[], raw_record varchar);
  alter table state.released_records add column if not exists key_hash ubigint;
  alter table state.released_records add column if not exists reference varchar;
  create table if not exists state.last_load (feed varchar not null, first_load_id integer not null);
  create table if not exists state.consumed (model varchar not null, feed varchar not null, batch_id integer not null);
  create table if not exists state.forgotten (feed varchar not null, batch_id integer not null);
  create table if not exists state.audited (feed varchar not null, batch_id integer not null);
  drop table if exists state.published_files;
  create table if not exists state.built (model varchar not null, fingerprint varchar not null);
  create table if not exists state.warehouse as select cast(uuid() as varchar) as warehouse_id;
  create table if not exists state.runs (
    run_id varchar not null, started_at timestamp, finished_at timestamp, status varchar,
    files_loaded bigint, records_read bigint, clean_count bigint, quarantined_count bigint
  );
  create table if not exists state.transaction_categories (
    id varchar not null, key_hash ubigint, content_hash ubigint, status varchar not null, category varchar,
    model_version varchar, attempt_count integer not null, last_error varchar, asked_at timestamp, batch_id integer not null,
    is_own_fault boolean default false
  );
  create table if not exists state.suppressed (feed varchar not null, column_name varchar not null, value_hash varchar not null, forgotten_at timestamp);
  create table if not exists state.erased (file varchar not null, size_bytes bigint, modified_ns bigint, erased_count bigint not null);
  create table if not exists state.seen_alerts (ingest_date date, alert varchar, feed varchar, file varchar, first_seen_at timestamp);
  create table if not exists state.record_lines (load_id integer not null, raw_hash ubigint not null, occurrence bigint not null, line bigint not null);
  create table if not exists state.purge_due (feed varchar not null);
  alter table state.loads add column if not exists forgotten_count bigint default 0;
  {%- for column in [
    'error_detail varchar', 'changed_ns bigint', 'inode bigint', 'content_hash varchar', 'is_gone boolean default false', 'note varchar',
    'encoding varchar', 'is_encoding_guessed boolean default false', 'delimiter varchar', 'header_kind varchar', 'skipped_lines bigint',
    'date_order varchar', 'is_date_order_assumed boolean default false', 'decimal varchar'
  ] %}
  alter table state.loads add column if not exists {{ column }};
  {%- endfor %}
  alter table state.transaction_categories add column if not exists is_own_fault boolean default false;
  create or replace view state.current_loads as
  select load_id, feed, file, ingest_date
  from (
    select load_id, feed, file, ingest_date, row_number() over (partition by file order by load_id desc) as recency
    from state.loads
    where error is null
  )
  where recency = 1;
{%- endmacro %}

{#- What versions before 1.0 had four models of each feed for; the entity is made anew by this version. -#}
{% macro duckdb__drop_models_of_older_versions() -%}
  {%- if run_query("select count(*) from duckdb_tables() where schema_name = 'state' and table_name = 'judged'").rows[0][0] -%}
    {%- for feed in feeds() %}
    {%- for kind in ['quarantined', 'accepted'] %}
  drop view if exists {{ relation_of('int_' ~ feed ~ '_' ~ kind) }};
    {%- endfor %}
    {%- for kind in ['contested', 'waiting'] %}
  drop table if exists {{ relation_of('int_' ~ feed ~ '_' ~ kind) }};
  delete from state.consumed where model = 'int_{{ feed }}_{{ kind }}';
    {%- endfor %}
    {%- endfor %}
  drop table state.judged;
  {%- endif %}
{%- endmacro %}

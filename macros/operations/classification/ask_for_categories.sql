{#-
  Pre-hook of int_transactions_classified: bring state.transaction_categories up to date, and ask the prediction
  service for what is outstanding.

  1. Note every transaction that is new or whose content changed since the last time: it is pending.
  2. Take in the answers that a killed build left behind.
  3. Ask, if SLUICE_PREDICT_URL is set and anything is pending or failed (or, with the var `reclassify`, was classified
     by another model version than the service has now), and take in the answers. If the service answered for all of
     them, dead letters of an earlier outage are put back and asked for, too.

  The rows travel as Parquet files in $SLUICE_HOME/classify: out by COPY, back as parts that appear while the service
  is still answering, so that a build that is killed keeps them. Nothing to ask costs two small queries.

  Vars: classification (settings of the client, see scripts/sluice/classify/settings.py), max_failed_builds,
  reclassify. Whatever the service does, the build goes on.
-#}
{% macro ask_for_categories() -%}
  {{ return(adapter.dispatch('ask_for_categories')()) }}
{%- endmacro %}

{% macro default__ask_for_categories() -%}
  {{ exceptions.raise_compiler_error('ask_for_categories is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__ask_for_categories() -%}
  {%- if execute and flags.WHICH in ('build', 'run') %}
    {%- do duckdb__note_transactions() %}
    {%- do duckdb__take_in_answers() %}
    {%- if env_var('SLUICE_PREDICT_URL', '') | trim %}
      {%- set wanted = duckdb__wanted_categories() %}
      {%- if run_query("select count(*) from state.transaction_categories where " ~ wanted).rows[0][0] > 0 %}
        {%- set outcome = duckdb__ask_once(wanted) %}
        {%- if outcome.classified > 0 and outcome.unanswered == 0 and duckdb__put_back_dead_letters('not is_own_fault') > 0 %}
          {%- do duckdb__ask_once("status = 'pending'") %}
        {%- endif %}
      {%- endif %}
    {%- endif %}
  {%- endif %}
{%- endmacro %}

{#- Ask for what meets a condition and take in the answers. Returns the mapping that sluice_classify returns. -#}
{% macro duckdb__ask_once(wanted) -%}
  {%- set asked = run_query("select sluice_prepare_classification()").rows[0][0] %}
  {%- do run_statements(duckdb__asked_transactions_sql(wanted, asked)) %}
  {%- set settings = duckdb__text_literal(tojson(var('classification') or {})) %}
  {%- set outcome = fromjson(run_query("select sluice_classify(" ~ settings ~ ")").rows[0][0]) %}
  {%- do duckdb__take_in_answers() %}
  {%- do log(outcome.message, info=true) %}
  {{ return(outcome) }}
{%- endmacro %}

{#- Note new and changed transactions as pending; all are compared when the entity was made anew. -#}
{% macro duckdb__note_transactions() -%}
  {%- set consumed = consumed_batch(this.identifier, 'transactions') -%}
  {%- set batches, is_full = run_query(
    "select count(*), bool_or(is_full) from state.batches where feed = 'transactions' and batch_id > " ~ consumed
  ).rows[0].values() -%}
  {%- if batches > 0 %}
    {%- do run_statements(duckdb__note_transactions_sql(consumed, is_full)) %}
  {%- endif %}
{%- endmacro %}

{% macro duckdb__note_transactions_sql(consumed, is_full) -%}
  create or replace temp table noted as
  select id, _key_hash as key_hash, {{ transaction_content_hash() }} as content_hash
  from {{ ref('transactions') }}
  {%- if not is_full %}
  where _key_hash in (select _key_hash from state.changed_transactions where batch_id > {{ consumed }})
  {%- endif %};

  begin transaction;
  update state.transaction_categories as known
  set
    content_hash = noted.content_hash,
    status = 'pending',
    category = null,
    model_version = null,
    attempt_count = 0,
    last_error = null,
    asked_at = null,
    is_own_fault = false
  from noted
  where known.id = noted.id and known.content_hash != noted.content_hash;

  insert into state.transaction_categories (id, key_hash, content_hash, status, attempt_count, batch_id, is_own_fault)
  select id, key_hash, content_hash, 'pending', 0, 0, false
  from noted
  where id not in (select id from state.transaction_categories);

  {{ note_consumed('transactions') }}
  commit;
  drop table noted
{%- endmacro %}

{#- The condition on state.transaction_categories for what is asked now. -#}
{% macro duckdb__wanted_categories() -%}
  {%- set outstanding = "status in ('pending', 'failed')" -%}
  {%- if not var('reclassify') -%}
    {{ return(outstanding) }}
  {%- endif -%}
  {%- set version = run_query("select sluice_model_version()").rows[0][0] -%}
  {%- if version -%}
    {{ return("(" ~ outstanding ~ " or (status = 'classified' and model_version is distinct from " ~ duckdb__text_literal(version) ~ "))") }}
  {%- endif -%}
  {{ return("(" ~ outstanding ~ " or status = 'classified')") }}
{%- endmacro %}

{#- Those that never failed come first: what fails again and again must not use up the time of the others. -#}
{% macro duckdb__asked_transactions_sql(wanted, asked) -%}
  {%- set any_failed = run_query("select count(*) from state.transaction_categories where status = 'failed'").rows[0][0] > 0 -%}
  copy (
    select
      transactions.id,
      transactions.description,
      transactions.amount,
      transactions.transacted_at as timestamp,
      transactions.merchant,
      transactions.operation_type,
      transactions.side,
      known.content_hash,
      timestamp '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as asked_at
    from {{ ref('transactions') }} as transactions
    inner join (select id, content_hash, attempt_count from state.transaction_categories where {{ wanted }}) as known
      on transactions.id = known.id
    {%- if any_failed %}
    order by known.attempt_count
    {%- endif %}
  ) to {{ duckdb__text_literal(asked) }} (format parquet, compression snappy)
{%- endmacro %}

{#-
  Take in the answers that lie in $SLUICE_HOME/classify, if any, and remove them.

  An answer counts only for the id and the content that was asked, and only once (asked_at). An answer `failed`, or
  `pending` (the service as a whole did not answer), is one failed build of its transaction; the one that reaches
  max_failed_builds makes it a dead letter. Only `failed` is the transaction's own fault. What has a category keeps it
  until there is another.
-#}
{% macro duckdb__take_in_answers() -%}
  {%- set files = fromjson(run_query("select sluice_answer_files()").rows[0][0]) -%}
  {%- if files.answers %}
    {%- do run_statements(duckdb__take_in_answers_sql(files.asked, files.answers)) %}
  {%- endif %}
  {%- if files.asked %}
    {%- do run_query("select sluice_clear_answers()") %}
  {%- endif %}
{%- endmacro %}

{% macro duckdb__take_in_answers_sql(asked, answers) -%}
  {%- set next = next_batch('transaction_categories') -%}
  create or replace temp table answered as
  select
    known.id,
    answers.asked_at,
    case
      when answers.status = 'classified' then 'classified'
      when known.status = 'classified' then 'classified'
      when known.attempt_count + 1 >= {{ var('max_failed_builds') | int }} then 'dead_letter'
      else 'failed'
    end as status,
    case when answers.status = 'classified' then answers.category else known.category end as category,
    case when answers.status = 'classified' then answers.model_version else known.model_version end as model_version,
    case
      when answers.status = 'classified' or known.status = 'classified' then 0
      else known.attempt_count + 1
    end as attempt_count,
    case when answers.status = 'classified' then null else answers.error end as last_error,
    answers.status != 'classified' and known.status != 'classified' and (answers.status = 'failed' or known.is_own_fault) as is_own_fault
  from (
    select asked.id, asked.content_hash, asked.asked_at, given.status, given.category, given.model_version, given.error
    from read_parquet([{% for path in answers %}{{ duckdb__text_literal(path) }}{{ ', ' if not loop.last }}{% endfor %}]) as given
    inner join read_parquet({{ duckdb__text_literal(asked) }}) as asked on given.id = asked.id
  ) as answers
  inner join state.transaction_categories as known
    on answers.id = known.id and answers.content_hash = known.content_hash and known.asked_at is distinct from answers.asked_at;

  begin transaction;
  update state.transaction_categories as known
  set
    asked_at = answered.asked_at,
    status = answered.status,
    category = answered.category,
    model_version = answered.model_version,
    attempt_count = answered.attempt_count,
    last_error = answered.last_error,
    is_own_fault = answered.is_own_fault,
    batch_id = case
      when
        known.status != answered.status
        or known.category is distinct from answered.category
        or known.model_version is distinct from answered.model_version
        then {{ next }}
      else known.batch_id
    end
  from answered
  where known.id = answered.id;

  {{ duckdb__number_category_batch_sql() }}
  commit;
  drop table answered
{%- endmacro %}

{#- Number the batch of changed categories that was just written, if there is one. -#}
{% macro duckdb__number_category_batch_sql() -%}
  {%- set next = next_batch('transaction_categories') -%}
  insert into state.batches (feed, batch_id, is_full)
  select 'transaction_categories', {{ next }}, false
  where exists (select 1 from state.transaction_categories where batch_id = {{ next }});
{%- endmacro %}

{#-
  What the stream processes noted in $SLUICE_HOME/streams/gaps.jsonl: messages that their broker no longer had when it was
  their turn to land. A line that a crash tore is left out; a missing file is no gaps.

  Returns: a SQL query of noted_at (TIMESTAMP, UTC), feed, topic, kind (deleted: known to be lost; possible: perhaps lost;
  topic_reset: the topic began anew), lost_count (BIGINT, null when not known).
-#}
{% macro stream_gaps() -%}
  {{ return(adapter.dispatch('stream_gaps')()) }}
{%- endmacro %}

{% macro default__stream_gaps() -%}
  {{ exceptions.raise_compiler_error('stream_gaps is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__stream_gaps() -%}
  {%- set file = duckdb__text_literal((env_var('SLUICE_HOME', '') or 'data') ~ '/streams/gaps.jsonl') -%}
  {%- set columns = "{'at': 'varchar', 'feed': 'varchar', 'topic': 'varchar', 'kind': 'varchar', 'lost': 'bigint'}" -%}
  {%- set is_there = execute and run_query('select count(*) from glob(' ~ file ~ ')').rows[0][0] > 0 -%}
  select
    {{ parse_timestamp('"at"') }} as noted_at,
    feed,
    topic,
    kind,
    lost as lost_count
  from
    {%- if is_there %} read_json({{ file }}, format = 'newline_delimited', ignore_errors = true, columns = {{ columns }})
    {%- else %} (select unnest(cast([] as struct("at" varchar, feed varchar, topic varchar, kind varchar, lost bigint)[]), recursive := true))
    {%- endif %}
  where feed is not null
{%- endmacro %}

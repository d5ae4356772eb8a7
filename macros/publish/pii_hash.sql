{#-
  Personal data as it is published: SHA-256 over the key, byte 0x1F and the trimmed value.

  Args:
    value (SQL expression): the trimmed text.
  Returns: a SQL expression of type VARCHAR: 64 lower-case hexadecimal digits, null for null. The key is a variable of
    the connection (set by the dbt plugin), so that it appears in no compiled SQL and no log.
-#}
{% macro pii_hash(value) -%}
  {{ return(adapter.dispatch('pii_hash')(value)) }}
{%- endmacro %}

{% macro default__pii_hash(value) -%}
  {{ exceptions.raise_compiler_error('pii_hash is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__pii_hash(value) -%}
  sha256(getvariable('pii_key') || chr(31) || {{ value }})
{%- endmacro %}

{#-
  on-run-start: say so when the key is another than before. What holds hashed personal data is then published again
  (see warehouse_state); people who were forgotten are known by a hash with the old key.
-#}
{% macro note_pii_key() -%}
  {%- set found = run_query(
    'select ' ~ pii_hash('warehouse_id') ~ ", (select max(fingerprint) from state.built where model = 'pii_key'),"
    ~ ' exists (select 1 from state.suppressed) from state.warehouse'
  ).rows[0] -%}
  {%- if found[1] and found[1] != found[0] -%}
    {%- do log('SLUICE_PII_KEY is another than before: everything is published again, with other hashes of personal data.', info=true) -%}
    {%- if found[2] -%}
      {%- do log('People who were forgotten are no longer recognised in files that come: set the old key again, or forget them again.', info=true) -%}
    {%- endif -%}
  {%- endif -%}
  {%- if found[1] != found[0] -%}
    {%- do run_statements("delete from state.built where model = 'pii_key'; insert into state.built values ('pii_key', '" ~ found[0] ~ "')") -%}
  {%- endif -%}
{%- endmacro %}

{#-
  on-run-start: say so when the key is another than before. What holds hashed personal data is then published again
  (Warehouse.id in scripts/sluice/deliver/warehouse.py); people who were forgotten are known by a hash with the old key.
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

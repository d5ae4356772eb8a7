{#-
  Post-hook of int_transactions_classified: its changes as a log like state.changed_<feed>: the transactions whose
  category, status or model version changed, with the number of the batch in which they last did.
-#}
{% macro offer_category_changes() -%}
  create or replace view state.changed_transaction_categories as
  select transactions.*, known.batch_id
  from {{ ref('transactions') }} as transactions
  inner join state.transaction_categories as known on transactions.id = known.id;
{%- endmacro %}

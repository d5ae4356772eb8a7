{#-
  What was spent and received by a group of transactions, as the aggregates of a SELECT over `side` and `amount`.
  Amounts are summed as decimals, so the sums are exact and do not depend on the order of the rows.
-#}
{% macro spend_columns() -%}
  count(*) as transaction_count,
  count(*) filter (where side = 'debit') as debit_count,
  coalesce(sum(amount) filter (where side = 'debit'), 0) as spent,
  count(*) filter (where side = 'credit') as credit_count,
  coalesce(sum(amount) filter (where side = 'credit'), 0) as received,
  coalesce(sum(case when side = 'debit' then amount else -amount end), 0) as net_spent
{%- endmacro %}

{#-
  Run SQL statements of which one may fail; then the open transaction is rolled back, and another one is begun.

  Args:
    statements (string): SQL statements, separated by semicolons.
  Returns: none, or a mapping: kind (name of the error), message, and is_of_data: whether it can be the data's fault rather
    than that of the statement. (Jinja cannot catch an error; the plugin's `store` can, on the same connection.)
-#}
{% macro try_statements(statements) -%}
  {%- set outcome = {'statements': statements} -%}
  {%- do adapter.store_relation('dbt_plugin', this, [], '', 'statements', outcome) -%}
  {{ return(outcome.problem) }}
{%- endmacro %}

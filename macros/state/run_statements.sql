{#-
  Run SQL whose result nobody reads. run_query fetches one, which costs dbt a table of guessed types each time.
  Args: statements (string): one or several SQL statements, separated by semicolons; no query with side effects, of
    which only the fetched rows would happen.
-#}
{% macro run_statements(statements) -%}
  {%- call statement('run_statements', fetch_result=false, auto_begin=false) -%}
    {{ statements }}
  {%- endcall -%}
{%- endmacro %}

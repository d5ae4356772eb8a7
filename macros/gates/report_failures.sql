{#-
  on-run-end: print, for each data test that failed, its failure reasons and how many rows have each; the compiled SQL
  of the test, which dbt names, returns the rows themselves.

  Args:
    results (list of RunResult): the results of the run.
-#}
{% macro report_failures(results) -%}
  {%- for result in results if result.status in ('fail', 'warn') and 'as failure_reason' in (result.node.compiled_code or '') -%}
    {%- set reasons -%}
      select failure_reason, count(*) as row_count
      from ({{ result.node.compiled_code }}) as failures
      group by failure_reason
      order by row_count desc, failure_reason
      limit 5
    {%- endset -%}
    {%- for reason, row_count in run_query(reasons).rows -%}
      {%- do log(result.node.name ~ ': ' ~ reason ~ ' (' ~ row_count ~ (' rows)' if row_count > 1 else ' row)'), info=true) -%}
    {%- endfor -%}
  {%- endfor -%}
{%- endmacro %}

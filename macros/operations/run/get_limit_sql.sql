{#-
  What `dbt show` runs: the query within its limit. dbt's own appends the limit, which a query that has one already does
  not bear.
  Args: sql (string): a query. limit (integer): how many rows; none: all.
  Returns: a SQL query.
-#}
{% macro duckdb__get_limit_sql(sql, limit) -%}
  {%- if limit is none -%}{{ return(sql) }}{%- endif -%}
  select * from (
  {{ sql }}
  ) as shown
  limit {{ limit }}
{%- endmacro %}

{#-
  Values of a small seed, written into the SQL: a model needs no join for them, and its rows stay in their order.

  Args:
    seed (Relation): the seed, as ref() gives it; naming it in the model is what draws the lineage.
    column (string): one of its columns, text.
    condition (SQL expression): which rows count; none for all.
  Returns: a SQL expression of type VARCHAR[]. In a unit test, and before the seed was loaded, it is a subquery.
-#}
{% macro seed_values(seed, column, condition='true') -%}
  {{ return(adapter.dispatch('seed_values')(seed, column, condition)) }}
{%- endmacro %}

{% macro default__seed_values(seed, column, condition) -%}
  {{ exceptions.raise_compiler_error('seed_values is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__seed_values(seed, column, condition) -%}
  {%- if not execute or seed.is_cte or not load_relation(seed) -%}
    {{ return('(select list(' ~ column ~ ') from ' ~ seed ~ ' where ' ~ condition ~ ')') }}
  {%- endif -%}
  {%- set literals = [] -%}
  {%- for value in run_query('select ' ~ column ~ ' from ' ~ seed ~ ' where ' ~ condition ~ ' order by 1').columns[0].values() -%}
    {%- do literals.append("'" ~ value | replace("'", "''") ~ "'") -%}
  {%- endfor -%}
  {{ return('[' ~ literals | join(', ') ~ ']') }}
{%- endmacro %}

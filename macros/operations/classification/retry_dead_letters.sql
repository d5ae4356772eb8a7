{#-
  Put dead letters back, so that the next build asks for them again:

    dbt run-operation retry_dead_letters
    dbt run-operation retry_dead_letters --args '{ids: [t1, t2]}'

  Args:
    ids (list of strings): which ones; without it all of them.
-#}
{% macro retry_dead_letters(ids=none) -%}
  {{ return(adapter.dispatch('retry_dead_letters')(ids)) }}
{%- endmacro %}

{% macro default__retry_dead_letters(ids) -%}
  {{ exceptions.raise_compiler_error('retry_dead_letters is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__retry_dead_letters(ids) -%}
  {%- if execute %}
    {%- if ids is not none and (ids is string or ids is mapping or ids is not iterable) -%}
      {{ exceptions.raise_compiler_error("retry_dead_letters: ids is '" ~ ids ~ "'; give a list, such as --args '{ids: [t1, t2]}'") }}
    {%- endif -%}
    {%- set literals = [] -%}
    {%- for id in ids or [] -%}{%- do literals.append(duckdb__text_literal(id | string)) -%}{%- endfor -%}
    {%- do run_query(create_state()) %}
    {%- set count = duckdb__put_back_dead_letters("id in (" ~ (literals | join(', ') or "null") ~ ")" if ids is not none else "true") %}
    {%- do log(count ~ ' dead letter' ~ ('s' if count != 1) ~ ' put back; the next build asks for ' ~ ('them' if count != 1 else 'it') ~ ' again', info=true) %}
  {%- endif %}
{%- endmacro %}

{#- Make the dead letters that meet a condition pending again, and return how many those were. -#}
{% macro duckdb__put_back_dead_letters(condition) -%}
  {%- set chosen = "status = 'dead_letter' and " ~ condition -%}
  {%- set count = run_query("select count(*) from state.transaction_categories where " ~ chosen).rows[0][0] %}
  {%- if count > 0 %}
    {%- do run_query(
      "begin transaction;"
      ~ "update state.transaction_categories set status = 'pending', attempt_count = 0, is_own_fault = false, batch_id = "
      ~ next_batch('transaction_categories') ~ " where " ~ chosen ~ ";"
      ~ duckdb__number_category_batch_sql() ~ "commit"
    ) %}
  {%- endif %}
  {{ return(count) }}
{%- endmacro %}

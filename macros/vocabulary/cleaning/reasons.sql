{#-
  The names of all conditions that hold: why a record is rejected, or which columns were repaired.

  Args:
    rules (list of (name, SQL condition) pairs): a condition that is null does not hold.
    fault (SQL expression): a name that stands alone when it is not null (a structural fault), or none.
  Returns: a SQL expression of type VARCHAR[], sorted, null when no condition holds. The list is built only for the
    few rows that need one, without a lambda, which costs something in each batch of rows that has one of these.
-#}
{% macro reasons(rules, fault=none) -%}
  {{ return(adapter.dispatch('reasons')(rules, fault)) }}
{%- endmacro %}

{% macro default__reasons(rules, fault) -%}
  {{ exceptions.raise_compiler_error('reasons is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__reasons(rules, fault) -%}
  case
    {%- if fault is not none %}
    when {{ fault }} is not null then [{{ fault }}]
    {%- endif %}
    when {% for name, condition in rules %}({{ condition }}){{ ' or ' if not loop.last }}{% endfor %}
      then string_split(concat_ws(','
        {%- for name, condition in rules | sort(attribute=0) %}, case when {{ condition }} then '{{ name }}' end{% endfor %}), ',')
  end
{%- endmacro %}

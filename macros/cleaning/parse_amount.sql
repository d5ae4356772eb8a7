{#-
  An amount of money, exact from text to table: never a float on the way.

  Args:
    value (SQL expression): trimmed text; evaluated several times, so pass a column.
  Returns: a SQL expression of type DECIMAL(18,4), rounded half away from zero; null when the text is null or no
    amount. An amount is a number as in parse_number, and may have thousands separators in groups of exactly three
    (1,234.50) or no digit before the point (.75). A decimal comma (1234,50) or more than 14 integer digits is none.

  DuckDB's cast from text to decimal is exact and rounds half away from zero, exponents included.
-#}
{% macro parse_amount(value) -%}
  {{ return(adapter.dispatch('parse_amount')(value)) }}
{%- endmacro %}

{% macro default__parse_amount(value) -%}
  {{ exceptions.raise_compiler_error('parse_amount is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__parse_amount(value) -%}
  case
    when regexp_full_match({{ value }}, '[+-]?([0-9]{1,14}([.][0-9]+)?|[.][0-9]+)') then try_cast({{ value }} as decimal(18, 4))
    when regexp_full_match({{ value }}, '[+-]?[0-9]{1,3}(,[0-9]{3}){1,4}([.][0-9]+)?')
      then try_cast(replace({{ value }}, ',', '') as decimal(18, 4))
    when regexp_full_match({{ value }}, '[+-]?([0-9]{1,14}([.][0-9]+)?|[.][0-9]+)[eE][+-]?[0-9]{1,3}')
      then try_cast({{ value }} as decimal(18, 4))
  end
{%- endmacro %}

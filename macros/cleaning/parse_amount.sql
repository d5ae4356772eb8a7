{#-
  An amount of money, exact from text to table: never a float on the way.

  Args:
    value (SQL expression): trimmed text; evaluated several times, so pass a column.
  Returns: a SQL expression of type DECIMAL(18,4), rounded half away from zero; null when the text is null or no
    amount. An amount is a number as in parse_number, and may have thousands separators in groups of exactly three
    (1,234.50) or no digit before the point (.75). A decimal comma (1234,50) or more than 14 integer digits is none.

  DuckDB's cast from text to decimal is exact and rounds half away from zero, but not where there is an exponent:
  '9.99999e13' is cut instead of rounded, and '3000.5e11' becomes a decimal beyond its own width. So the few amounts
  with an exponent are written out first.
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
    when regexp_full_match({{ value }}, '[+-]?([0-9]{1,14}([.][0-9]+)?|[.][0-9]+)[eE][+-]?[0-9]+')
      then try_cast({{ duckdb__written_out(value) }} as decimal(18, 4))
  end
{%- endmacro %}

{#-
  A number with an exponent as digits and a point: '-12.5e-3' is '-0.0125'. The decimal point stands `point` digits
  behind the beginning; an exponent beyond 2000 either way leaves no digit that an amount could hold.
-#}
{% macro duckdb__written_out(value) -%}
  {%- set integer_digits = "regexp_extract(" ~ value ~ ", '^[+-]?([0-9]*)', 1)" -%}
  {%- set digits = "replace(regexp_extract(" ~ value ~ ", '^[+-]?([0-9.]*)', 1), '.', '')" -%}
  {%- set exponent = "cast(greatest(-2000, least(2000, cast(regexp_extract(" ~ value ~ ", '[eE](.*)$', 1) as double))) as integer)" -%}
  {%- set point = "(length(" ~ integer_digits ~ ") + " ~ exponent ~ ")" -%}
  case when {{ value }}[1] = '-' then '-' else '' end
  || case
    when {{ point }} <= 0 then '0.' || repeat('0', -{{ point }}) || {{ digits }}
    when {{ point }} >= length({{ digits }}) then {{ digits }} || repeat('0', {{ point }} - length({{ digits }}))
    else left({{ digits }}, {{ point }}) || '.' || substr({{ digits }}, {{ point }} + 1)
  end
{%- endmacro %}

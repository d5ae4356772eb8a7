{#-
  A whole number from cleaned text: '200' and '200.0' are whole, '200.5', '2e2' and '1_000' are not.

  Args:
    value (SQL expression): trimmed text; evaluated several times, so pass a column.
  Returns: a SQL expression of type BIGINT; null when the text is null, not whole, or has more than 18 digits.

  The first branch is for speed: a text that its own number prints back as needs no regular expression.
-#}
{% macro parse_integer(value) -%}
  {{ return(adapter.dispatch('parse_integer')(value)) }}
{%- endmacro %}

{% macro default__parse_integer(value) -%}
  {{ exceptions.raise_compiler_error('parse_integer is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__parse_integer(value) -%}
  case
    when cast(try_cast({{ value }} as bigint) as varchar) = {{ value }} then try_cast({{ value }} as bigint)
    when regexp_full_match({{ value }}, '[+-]?[0-9]{1,18}([.]0+)?') then cast(split_part({{ value }}, '.', 1) as bigint)
  end
{%- endmacro %}

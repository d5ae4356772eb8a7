{#-
  A number from cleaned text: optional sign, digits, optional decimal part, optional exponent; nothing else is one
  (not NaN, inf, hex, underscores, '1.' or '.5', which DuckDB's cast would take).

  Args:
    value (SQL expression): trimmed text; evaluated several times, so pass a column.
  Returns: a SQL expression of type DOUBLE; null when the text is null, no number, or too large for a double.

  The first branch is for speed: a text that its own whole number prints back as needs no regular expression. The
  second needs no check for infinity, which DuckDB makes of text that is too large: 200 digits and e99 are a double.
-#}
{% macro parse_number(value) -%}
  {{ return(adapter.dispatch('parse_number')(value)) }}
{%- endmacro %}

{% macro default__parse_number(value) -%}
  {{ exceptions.raise_compiler_error('parse_number is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__parse_number(value) -%}
  case
    when cast(try_cast({{ value }} as bigint) as varchar) = {{ value }} then cast(try_cast({{ value }} as bigint) as double)
    when strlen({{ value }}) < 200 and regexp_full_match({{ value }}, '[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,2})?')
      then try_cast({{ value }} as double)
    when regexp_full_match({{ value }}, '[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?')
      then case when isfinite(try_cast({{ value }} as double)) then try_cast({{ value }} as double) end
  end
{%- endmacro %}

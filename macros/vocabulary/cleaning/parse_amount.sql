{#-
  An amount of money, exact from text to table: never a float on the way.

  Args:
    value (SQL expression): cleaned text; evaluated several times, so pass a column.
    place (string): '<feed>.<column>', whose feed's option `decimal` holds; where that is auto, the column _decimal of the
      relation says what the value's file tells (null is auto). Without a place the decimal sign is a point.
    decimal (SQL expression): instead of what the place says; for tests.
  Returns: a SQL expression of type DECIMAL(18,4), rounded half away from zero; null when the text is null, no amount, or
    reads both ways in a file that contradicts itself.

  An amount is a number as in parse_number, a bare fraction (.75), or has thousands in groups of exactly three, of which the
  first does not begin with 0 (1,234.50); with one currency sign or code and one sign beside it, or in parentheses. With a
  decimal comma, thousands are parted by point, space, no-break space or apostrophe. Where the file tells nothing, a value
  that reads one way only is read so, and with a point otherwise.
-#}
{% macro parse_amount(value, place=none, decimal=none) -%}
  {{ return(adapter.dispatch('parse_amount')(value, decimal or decimal_sign(place))) }}
{%- endmacro %}

{% macro default__parse_amount(value, decimal) -%}
  {{ exceptions.raise_compiler_error('parse_amount is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{#- The decimal sign of a place. Returns: a SQL expression: a literal, or _decimal where the file tells. -#}
{% macro decimal_sign(place=none) -%}
  {%- if not place -%}{{ return("'point'") }}{%- endif -%}
  {%- set option = source_option(place.split('.')[0], 'decimal') -%}
  {{ return('_decimal' if option == 'auto' else "'" ~ option ~ "'") }}
{%- endmacro %}

{#- Most amounts are plain, and one regular expression is enough for them. -#}
{% macro duckdb__parse_amount(value, decimal) -%}
  case
    when regexp_full_match({{ value }}, '{{ duckdb__plain_amount() }}')
      then case when {{ decimal }} = 'comma' and contains({{ value }}, '.') then null else try_cast({{ value }} as decimal(18, 4)) end
    when {{ value }} is not null then {{ duckdb__let(duckdb__amount_readings(value), '_amounts', "
      case " ~ decimal ~ "
        when 'point' then _amounts[1]
        when 'comma' then _amounts[2]
        when 'mixed' then case when _amounts[1] is null or _amounts[2] is null or _amounts[1] = _amounts[2] then coalesce(_amounts[1], _amounts[3]) end
        else coalesce(_amounts[1], _amounts[3])
      end
    ") }}
  end
{%- endmacro %}

{#- An amount that can have a decimal point only, or has no decimals. -#}
{% macro duckdb__plain_amount() -%}
  [+-]?[0-9]{1,14}([.][0-9]{1,2})?
{%- endmacro %}

{#-
  What an amount means with a decimal point and with a decimal comma, each null where it can't be so; and the latter once
  more where the text itself shows the comma: 0,075 may be a slip for 75, and 1 000 has no decimals.
-#}
{% macro duckdb__amount_readings(value) -%}
  {%- set blank = duckdb__blank() ~ '*' -%}
  {%- set sign = blank ~ '([+-])?' ~ blank -%}
  {%- set currency = '([$£€¥₹]|[A-Z]{3})?' -%}
  {%- set number = "([.,]?[0-9](?:[0-9.,''’ \\x{a0}\\x{202f}]*[0-9])?(?:[eE][+-]?[0-9]+)?)" -%}
  {%- set pattern = '^([(])?' ~ sign ~ currency ~ sign ~ number ~ sign ~ currency ~ sign ~ '([)])?$' -%}
  {%- set literal -%}
    case when _part['opening'] = '(' or '-' in (_part['sign1'], _part['sign2'], _part['sign3'], _part['sign4']) then '-' else '' end
  {%- endset -%}
  {%- set is_amount -%}
    _part['number'] != '' and (_part['currency1'] = '' or _part['currency2'] = '')
    and (_part['opening'] = '') = (_part['closing'] = '')
    and strlen(_part['opening'] || _part['sign1'] || _part['sign2'] || _part['sign3'] || _part['sign4']) < 2
  {%- endset -%}
  {{ duckdb__let(
    "regexp_extract(" ~ value ~ ", '" ~ pattern ~ "', ['opening', 'sign1', 'currency1', 'sign2', 'number', 'sign3', 'currency2', 'sign4', 'closing'])",
    '_part',
    'case when ' ~ is_amount ~ ' then ' ~ duckdb__let(
      'try_cast(' ~ literal ~ ' || ' ~ duckdb__with_comma("_part['number']") ~ ' as decimal(18, 4))', '_with_comma',
      '[try_cast(' ~ literal ~ ' || ' ~ duckdb__with_point("_part['number']") ~ ' as decimal(18, 4)), _with_comma,'
      ~ " case when contains(_part['number'], ',') and not regexp_full_match(_part['number'], '(0[0-9]*)?,[0-9]{3}') then _with_comma end]"
    ) ~ ' end'
  ) }}
{%- endmacro %}

{#- A number with a decimal point as digits and a point, without thousands and exponent; null when it is none. -#}
{% macro duckdb__with_point(number) -%}
  case
    when regexp_full_match({{ number }}, '[0-9]{1,14}([.][0-9]+)?|[.][0-9]+') then {{ number }}
    when regexp_full_match({{ number }}, '[1-9][0-9]{0,2}(,[0-9]{3}){1,4}([.][0-9]+)?') then replace({{ number }}, ',', '')
    when regexp_full_match({{ number }}, '([0-9]{1,14}([.][0-9]+)?|[.][0-9]+)[eE][+-]?[0-9]+') then {{ duckdb__written_out(number) }}
  end
{%- endmacro %}

{#- The same for a decimal comma. -#}
{% macro duckdb__with_comma(number) -%}
  case
    when regexp_full_match({{ number }}, '[0-9]{1,14}(,[0-9]+)?|,[0-9]+') then replace({{ number }}, ',', '.')
    when regexp_full_match({{ number }}, '[1-9][0-9]{0,2}({% for thousands in ("[.]", " ", "\\x{a0}", "\\x{202f}", "''", "’") %}({{ thousands }}[0-9]{3}){1,4}{{ '|' if not loop.last }}{% endfor %})(,[0-9]+)?')
      then replace(regexp_replace({{ number }}, '[^0-9,]', '', 'g'), ',', '.')
    when regexp_full_match({{ number }}, '([0-9]{1,14}(,[0-9]+)?|,[0-9]+)[eE][+-]?[0-9]+')
      then {{ duckdb__written_out("replace(" ~ number ~ ", ',', '.')") }}
  end
{%- endmacro %}

{#-
  A number with an exponent as digits and a point: '-12.5e-3' is '-0.0125'. The decimal point stands `point` digits
  behind the beginning; an exponent beyond 2000 either way leaves no digit that an amount could hold. DuckDB's own cast is
  exact without an exponent, but cuts '9.99999e13' instead of rounding it.
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

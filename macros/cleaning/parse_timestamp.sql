{#-
  The one place where text becomes an instant. The accepted shapes are those of the README's timestamp table;
  seeds/timestamp_cases.csv is the truth table that a test runs against this macro.

  Args:
    value (SQL expression): the trimmed text; it is evaluated several times, so pass a column.
    slash_date_order (string): 'dmy' (default, var `slash_date_order`) or 'mdy', for dates such as 03/04/2026.
  Returns: a SQL expression of type TIMESTAMP (UTC, microseconds; further digits are cut), null when the text is
    null, of no accepted shape, impossible (30 February, 24:00), or outside 1980-01-01 … 2099-12-31.
  Errors: an unknown slash_date_order stops compilation.

  The commonest shapes are recognised by LIKE, which costs a tenth of a regular expression, and parsed by a cast;
  everything else goes through one regular expression per shape. Casts alone would also take '2026/1/5', 'infinity',
  '24:00:00', '2026-01-1  11:32:1.' and offsets of 15 hours, so a shape is always checked before the cast, and that
  digits stand where a cast would do without. The range is checked on the text
  where no zone can move the instant over its edge, because DuckDB would evaluate the whole parse twice otherwise.
-#}
{% macro parse_timestamp(value, slash_date_order=none) -%}
  {%- set order = slash_date_order or var('slash_date_order', 'dmy') -%}
  {%- if order not in ('dmy', 'mdy') -%}
    {{ exceptions.raise_compiler_error("var slash_date_order is '" ~ order ~ "'; use 'dmy' or 'mdy'") }}
  {%- endif -%}
  {{ return(adapter.dispatch('parse_timestamp')(value, order)) }}
{%- endmacro %}

{% macro default__parse_timestamp(value, order) -%}
  {{ exceptions.raise_compiler_error('parse_timestamp is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__parse_timestamp(value, order) -%}
  {%- set clock = '([01][0-9]|2[0-3]):[0-5][0-9]' -%}
  {%- set offset = '[+-](0[0-9]|1[0-3]):?[0-5][0-9]|[+-]14:?00' -%}
  {%- set iso_zone = '( ?(Z|UTC|GMT|[+-](0[0-9]|1[0-4])|' ~ offset ~ '))?' -%}
  {%- set short_offset = offset | replace(':?', '') -%}
  {%- set month = '(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)' -%}
  {%- set weekday = '((Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?' -%}
  case
    when (
      {{ value }} like '____-__-__T__:__:__.___Z'
      or {{ value }} like '____-__-__ __:__:__'
      or {{ value }} like '____-__-__T__:__:__Z'
      or {{ value }} like '____-__-__T__:__:__.______Z'
      or (
        {{ value }} like '____-__-__ __:__:__+__:__'
        and {{ value }}[-5:] between '00:00' and '14:00' and {{ value }}[-2] < '6'
      )
    )
    and {{ value }} between '1980-01-02' and '2099-12-31'
    and {{ value }} glob '????-??-?[0-9]?[0-2][0-9]:?[0-9]:?[0-9]*'
    and {{ value }} not like '___________24%' and {{ value }} not like '% Z'
      then make_timestamp(epoch_us(try_cast({{ value }} as timestamptz)))
    when {{ value }} like '____-__-__%' then
      case when regexp_full_match({{ value }}, '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]{{ clock }}(:[0-5][0-9]([.][0-9]+)?)?{{ iso_zone }})?')
        then {{ duckdb__within_range(
          "try_cast(regexp_extract(" ~ value ~ ", '^[0-9-]{10}([T ][0-9:]+([.][0-9]+)?)?') as timestamp) - "
          ~ duckdb__zone_offset(value)
        ) }}
      end
    when {{ value }} like '__/__/____%' then {{ duckdb__parse_day_first(value, '/', clock, order) }}
    when {{ value }} like '__.__.____%' then {{ duckdb__parse_day_first(value, '.', clock, order) }}
    when regexp_full_match({{ value }}, '[0-9]{9,19}') then
      case length({{ value }})
        when 9 then {{ duckdb__parse_epoch(value, '315532800', '999999999', '* 1000000') }}
        when 10 then {{ duckdb__parse_epoch(value, '0315532800', '4102444799', '* 1000000') }}
        when 12 then {{ duckdb__parse_epoch(value, '315532800000', '999999999999', '* 1000') }}
        when 13 then {{ duckdb__parse_epoch(value, '0315532800000', '4102444799999', '* 1000') }}
        when 15 then {{ duckdb__parse_epoch(value, '315532800000000', '999999999999999', '') }}
        when 16 then {{ duckdb__parse_epoch(value, '0315532800000000', '4102444799999999', '') }}
        when 18 then {{ duckdb__parse_epoch(value, '315532800000000000', '999999999999999999', '// 1000') }}
        when 19 then {{ duckdb__parse_epoch(value, '0315532800000000000', '4102444799999999999', '// 1000') }}
      end
    when regexp_full_match({{ value }}, '[0-9]{9,10}[.][0-9]+')
      then {{ duckdb__within_range(
        "make_timestamp(cast(split_part(" ~ value ~ ", '.', 1) as bigint) * 1000000"
        ~ " + cast(rpad(left(split_part(" ~ value ~ ", '.', 2), 6), 6, '0') as bigint))"
      ) }}
    when regexp_full_match({{ value }}, '[0-9]{8}T[0-9]{6}Z?')
      then {{ duckdb__within_range("try_strptime(left(" ~ value ~ ", 15), '%Y%m%dT%H%M%S')") }}
    when regexp_full_match({{ value }}, '{{ weekday }}[0-9]{2} {{ month }} [0-9]{4} {{ clock }}:[0-5][0-9] (GMT|UTC|{{ short_offset }})')
      then {{ duckdb__within_range(
        "try_strptime(regexp_extract(" ~ value ~ ", '[0-9]{2} [A-Za-z]{3} [0-9]{4} [0-9:]{8}'), '%d %b %Y %H:%M:%S') - "
        ~ duckdb__zone_offset(value)
      ) }}
    when regexp_full_match({{ value }}, '[0-9]{2}/{{ month }}/[0-9]{4}:{{ clock }}:[0-5][0-9] ({{ short_offset }})')
      then {{ duckdb__within_range(
        "try_strptime(left(" ~ value ~ ", 20), '%d/%b/%Y:%H:%M:%S') - " ~ duckdb__zone_offset(value)
      ) }}
  end
{%- endmacro %}

{#-
  DD/MM/YYYY (or MM/DD/YYYY) with an optional clock; no zone, so the year alone decides the range. A list of formats
  costs a microsecond for each that fails, so only text with seconds is parsed by a format; the others are turned round.
-#}
{% macro duckdb__parse_day_first(value, separator, clock, order) -%}
  {%- set date = ('%d' ~ separator ~ '%m' if order == 'dmy' else '%m' ~ separator ~ '%d') ~ separator ~ '%Y' -%}
  {%- set month, day = ('[4:5]', '[1:2]') if order == 'dmy' else ('[1:2]', '[4:5]') -%}
  case
    when {{ value }}[7:10] between '1980' and '2099'
    and regexp_full_match({{ value }}, '[0-9]{2}[{{ separator }}][0-9]{2}[{{ separator }}][0-9]{4}( {{ clock }}(:[0-5][0-9])?)?')
      then case
        when length({{ value }}) = 19 then try_strptime({{ value }}, '{{ date }} %H:%M:%S')
        else try_cast(concat({{ value }}[7:10], '-', {{ value }}{{ month }}, '-', {{ value }}{{ day }}, {{ value }}[11:]) as timestamp)
      end
  end
{%- endmacro %}

{#- Digits of a known length, compared as text with the edges of the range in the same unit. -#}
{% macro duckdb__parse_epoch(value, first, last, to_microseconds) -%}
  case when {{ value }} between '{{ first }}' and '{{ last }}' then make_timestamp(cast({{ value }} as bigint) {{ to_microseconds }}) end
{%- endmacro %}

{#- The zone at the end of a timestamp whose shape has been checked, as an interval (zero for Z, UTC, GMT, none). -#}
{% macro duckdb__zone_offset(value) -%}
  case when regexp_matches({{ value }}, ':.*[+-][0-9:]+$') then to_minutes(
    cast(regexp_extract({{ value }}, '([+-])[0-9:]+$', 1) || '1' as integer) * (
      60 * cast(regexp_extract({{ value }}, '[+-]([0-9]{2}):?[0-9]*$', 1) as integer)
      + cast('0' || regexp_extract({{ value }}, '[+-][0-9]{2}:?([0-9]*)$', 1) as integer)
    )
  ) else to_minutes(0) end
{%- endmacro %}

{% macro duckdb__within_range(parsed) -%}
  case
    when ({{ parsed }}) between timestamp '1980-01-01' and timestamp '2099-12-31 23:59:59.999999' then {{ parsed }}
  end
{%- endmacro %}

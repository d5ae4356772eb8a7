{#-
  What a record's values say of its file: the bits by which the order of day and month and the decimal sign are decided.

  Args:
    instants (list): cleaned texts that parse_timestamp reads, each as a SQL expression or as a pair of it and its place.
    amounts (list): cleaned texts that parse_amount reads, likewise.
  Returns: a SQL expression of type UTINYINT: 1 an instant reads only day first, 2 only month first, 4 both ways; 8 an
    amount can only have a decimal point, 16 only a decimal comma, 32 reads both ways (or, as 0,075 and 1 000, where there is a
    decimal comma only, without being a sign of it); 64 the year has two digits, so its
    order must be told. 0 where the record has no such value, or the source's options decide.
    decided_order and decided_decimal read the bits of all records of a file, put together by bit_or.
-#}
{% macro value_forms(instants=[], amounts=[]) -%}
  {%- set forms = [] -%}
  {%- for instant in instants -%}
    {%- set value, place = (instant, none) if instant is string else instant -%}
    {%- set options = timestamp_options(place) -%}
    {%- if not options.is_told -%}
      {%- do forms.append(adapter.dispatch('timestamp_forms')(value, options)) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for amount in amounts -%}
    {%- set value, place = (amount, none) if amount is string else amount -%}
    {%- if not place or decimal_sign(place) == '_decimal' -%}
      {%- do forms.append(adapter.dispatch('amount_forms')(value)) -%}
    {%- endif -%}
  {%- endfor -%}
  cast({{ forms | join(' | ') if forms else '0' }} as {{ adapter.dispatch('forms_type')() }})
{%- endmacro %}

{% macro default__timestamp_forms(value, options) -%}
  {{ exceptions.raise_compiler_error('value_forms is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro default__amount_forms(value) -%}
  {{ exceptions.raise_compiler_error('value_forms is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro default__forms_type() -%} smallint {%- endmacro %}

{% macro duckdb__forms_type() -%} utinyint {%- endmacro %}

{#- The first condition lets pass nearly everything at the price of three characters: years such as 2026, then the rest. -#}
{% macro duckdb__timestamp_forms(value, options) -%}
  case
    when {{ value }} between '200' and '209:' then 0
    when {{ duckdb__may_need_order(value) }} is not true then 0
    {%- if duckdb__has_quick_numbers(options) %}
    when {{ duckdb__is_quick_numbers(value) }} then
      case
        when {{ value }} >= '13' then case when {{ duckdb__quick_day(value, '%d', '%m') }} is not null then 1 else 0 end
        when {{ duckdb__quick_day(value, '%m', '%d') }} is null then 0
        when {{ duckdb__second_is_a_day(value) }} then 2
        when {{ value }}[1:2] = {{ value }}[4:5] then 0
        else 4
      end
    {%- endif %}
    else {{ duckdb__let(duckdb__readings(value, options), '_readings', "
      case
        when len(_readings) = 1 or coalesce(_readings[1], _readings[2], _readings[3]) is null then 0
        else
          case
            when _readings[2] is null and _readings[1] is not null then 1
            when _readings[1] is null and _readings[2] is not null then 2
            when _readings[1] != _readings[2] then 4
            else 0
          end + case when len(_readings) = 3 then 64 else 0 end
      end
    ") }}
  end
{%- endmacro %}

{% macro duckdb__amount_forms(value) -%}
  case
    when {{ value }} is null then 0
    when regexp_full_match({{ value }}, '{{ duckdb__plain_amount() }}') then case when contains({{ value }}, '.') then 8 else 0 end
    else {{ duckdb__let(duckdb__amount_readings(value), '_amounts', "
      case
        when _amounts[1] is null and _amounts[2] is null then 0
        when _amounts[2] is null then 8
        when _amounts[1] = _amounts[2] then 0
        when _amounts[1] is null and _amounts[3] is not null then 16
        else 32
      end
    ") }}
  end
{%- endmacro %}

{#-
  Whether an instant that was not read lacks nothing but its order: is_ambiguous_timestamp where the bits are known already.

  Args:
    forms (SQL expression): the bits of value_forms of a record that has one instant.
    place (string): the instant's place.
  Returns: a SQL expression of type BOOLEAN.
-#}
{% macro has_unknown_order(forms, place) -%}
  {%- set options = timestamp_options(place) -%}
  ({{ forms }} & 68 > 0 and coalesce({{ options.date_order }}, 'auto') in ('auto', 'mixed'))
{%- endmacro %}

{#-
  The order of day and month that a file tells.

  Args:
    forms (SQL expression): the bits of value_forms of all its records, by bit_or.
  Returns: a SQL expression of type VARCHAR: dmy, mdy, 'mixed' where the file contradicts itself, 'auto' where nothing told;
    null where no value needs it. It is what _date_order holds when the file is read again.
-#}
{% macro decided_order(forms) -%}
  case
    when {{ forms }} & 3 = 3 then 'mixed'
    when {{ forms }} & 1 = 1 then 'dmy'
    when {{ forms }} & 2 = 2 then 'mdy'
    when {{ forms }} & 68 > 0 then 'auto'
  end
{%- endmacro %}

{#-
  The same for the decimal sign: point, comma, mixed, auto or null; what _decimal holds when the file is read again.
  Args: forms (SQL expression): as for decided_order.
-#}
{% macro decided_decimal(forms) -%}
  case
    when {{ forms }} & 24 = 24 then 'mixed'
    when {{ forms }} & 8 = 8 then 'point'
    when {{ forms }} & 16 = 16 then 'comma'
    when {{ forms }} & 32 = 32 then 'auto'
  end
{%- endmacro %}

{#-
  Whether values of a file that was read with _date_order and _decimal auto come out otherwise by what it tells.

  Args:
    forms (SQL expression): the bits of value_forms of all its records, by bit_or.
  Returns: a SQL expression of type BOOLEAN. Read with auto, a value that reads one way only is read so; one that reads both
    ways by the var slash_date_order, or with a decimal point.
-#}
{% macro must_read_again(forms) -%}
  {%- set other_way = 2 if var('slash_date_order', 'dmy') == 'dmy' else 1 -%}
  (
    ({{ forms }} & 4 = 4 and {{ forms }} & {{ other_way }} = {{ other_way }})
    or ({{ forms }} & 64 = 64 and {{ forms }} & 3 in (1, 2))
    or ({{ forms }} & 32 = 32 and {{ forms }} & 16 = 16)
  )
{%- endmacro %}

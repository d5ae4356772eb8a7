{#-
  The one place where text becomes an instant. The accepted forms are those of the timestamp table in models/README.md;
  seeds/timestamp_cases.csv is the truth table that a test runs against this macro.

  Args:
    value (SQL expression): cleaned text; it is evaluated several times, so pass a column.
    place (string): '<feed>.<column>', whose options in the source's YAML hold (date_order, time_zone, timestamp_range,
      formats). With date_order auto, the column _date_order of the relation says what the value's file tells (null is
      auto). Without a place the project's defaults hold, and nothing is told.
    date_order (SQL expression), time_zone (string): instead of what the place says; for tests.
  Returns: a SQL expression of type TIMESTAMP (UTC, microseconds; further digits are cut); null when the text is null, of
    no accepted form, impossible (30 February, 24:00), outside the range, or when its order must be told and is not.
  Errors: an unknown option or order stops compilation.

  The commonest shapes are recognised by comparing characters, which costs a tenth of a regular expression, and parsed by
  a cast. Casts alone would also take '2026/1/5', 'infinity', '24:00:00', '2026-01-1  11:32:1.' and offsets of 15 hours, so
  a shape is checked before the cast. Everything else is rewritten to one form and taken apart once (readings).
-#}
{% macro parse_timestamp(value, place=none, date_order=none, time_zone=none) -%}
  {{ return(adapter.dispatch('parse_timestamp')(value, timestamp_options(place, date_order, time_zone))) }}
{%- endmacro %}

{% macro default__parse_timestamp(value, options) -%}
  {{ exceptions.raise_compiler_error('parse_timestamp is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{#-
  Whether a text would be an instant if only the order of its day, month and year were known: the reason
  ambiguous_timestamp. It is none for parse_timestamp then, and the reason excludes invalid_….

  Args: as of parse_timestamp.
  Returns: a SQL expression of type BOOLEAN, never null.
-#}
{% macro is_ambiguous_timestamp(value, place=none, date_order=none, time_zone=none) -%}
  {{ return(adapter.dispatch('is_ambiguous_timestamp')(value, timestamp_options(place, date_order, time_zone))) }}
{%- endmacro %}

{% macro default__is_ambiguous_timestamp(value, options) -%}
  {{ exceptions.raise_compiler_error('is_ambiguous_timestamp is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{#- Whether an instant lies in the range of its feed. Args: a SQL expression, the feed. Returns: BOOLEAN. -#}
{% macro is_in_timestamp_range(instant, feed) -%}
  {%- set days = source_option(feed, 'timestamp_range') -%}
  {{ instant }} between timestamp '{{ days[0] }}' and timestamp '{{ days[1] }} 23:59:59.999999'
{%- endmacro %}

{#-
  How the instants of a place are read.

  Args: place, date_order, time_zone as of parse_timestamp.
  Returns: a mapping of date_order (SQL expression), is_told (whether it is fixed), slash_date_order ('dmy' or 'mdy', where
    nothing tells), time_zone (string, none for UTC), first and last (the range's days), formats (list of strptime patterns).
-#}
{% macro timestamp_options(place=none, date_order=none, time_zone=none) -%}
  {%- set slash_date_order = var('slash_date_order', 'dmy') -%}
  {%- if slash_date_order not in ('dmy', 'mdy') -%}
    {{ exceptions.raise_compiler_error("var slash_date_order is '" ~ slash_date_order ~ "'; use 'dmy' or 'mdy'") }}
  {%- endif -%}
  {%- set feed, column = place.split('.') if place else (none, none) -%}
  {%- set told = source_option(feed, 'date_order') if feed else 'auto' -%}
  {%- set zone = time_zone or (source_option(feed, 'time_zone') if feed else 'UTC') -%}
  {%- set days = source_option(feed, 'timestamp_range') if feed else var('timestamp_range', ['1900-01-01', '2099-12-31']) -%}
  {{ return({
    'date_order': date_order or ("'" ~ told ~ "'" if told != 'auto' or not feed else '_date_order'),
    'is_told': told != 'auto' and not date_order,
    'slash_date_order': slash_date_order,
    'time_zone': none if zone == 'UTC' else zone,
    'first': days[0] | string,
    'last': days[1] | string,
    'formats': column_formats(feed, column) if feed else [],
  }) }}
{%- endmacro %}

{% macro duckdb__parse_timestamp(value, options) -%}
  {#- A day between the first and the last one of the range is within it, whatever its offset: its text alone tells. -#}
  {%- set day_time = '????-??-?[0-9][T ][0-2][0-9]:?[0-9]:[0-5][0-9]' -%}
  case
    {%- if options.formats %}
    when {{ duckdb__by_formats(value, options) }} is not null then {{ duckdb__by_formats(value, options) }}
    {%- endif %}
    when (
      {{ value }} like '___________________.___Z'{% if not options.time_zone %} or strlen({{ value }}) = 19{% endif %}
      or (strlen({{ value }}) = 20 and suffix({{ value }}, 'Z')) or {{ value }} like '___________________.______Z'
    )
    and {{ value }} glob '{{ day_time }}*' and {{ value }} not like '% Z'
    and {{ value }} between '{{ options.first }}~' and '{{ options.last }}' and {{ value }} not like '___________24%'
      then try_cast({{ value }} as timestamp)
    when {{ value }} glob '{{ day_time }}[-+][01][0-9]:[0-5][0-9]' and not {{ value }} glob '???????????????????[-+]1[4-9]*'
    and {{ value }} between '{{ options.first }}~' and '{{ options.last }}' and {{ value }} not like '___________24%'
      then make_timestamp(epoch_us(try_cast({{ value }} as timestamptz)))
    {%- if duckdb__has_quick_numbers(options) %}
    when {{ duckdb__is_quick_numbers(value) }}
      then {{ duckdb__quick_numbers(value, options) }}
    {%- endif %}
    when strlen({{ value }}) in (10, 13) and regexp_full_match({{ value }}, '[0-9]+')
      then {{ duckdb__in_range_of_us('cast(' ~ value ~ ' as bigint) * case strlen(' ~ value ~ ') when 10 then 1000000 else 1000 end', options) }}
    when regexp_matches({{ value }}, '^[[]?[0-9]|^{{ duckdb__weekdays() }}|^{{ duckdb__months() }}')
      then {{ duckdb__let(duckdb__readings(value, options), '_readings', duckdb__told_reading('_readings', options)) }}
  end
{%- endmacro %}

{% macro duckdb__is_ambiguous_timestamp(value, options) -%}
  {%- if options.is_told -%}
  false
  {%- else -%}
  case
    when {{ duckdb__may_need_order(value) }} then {{ duckdb__let(
      duckdb__readings(value, options), '_readings',
      '(' ~ duckdb__told_reading('_readings', options) ~ ') is null and coalesce(_readings[1], _readings[2], _readings[3]) is not null'
      ~ ' and len(_readings) > 1 and coalesce(' ~ options.date_order ~ ", 'auto') in ('auto', 'mixed')"
    ) }}
    else false
  end
  {%- endif -%}
{%- endmacro %}

{#- Whether a text begins with one or two characters and a separator, as each date does whose order must be told. -#}
{% macro duckdb__may_need_order(value) -%}
  ({{ value }} glob '?[-/.]*' or {{ value }} glob '??[-/.]*')
{%- endmacro %}

{#-
  DD/MM/20YY and MM/DD/20YY, alone, with HH:MM or with HH:MM:SS, and with dots or dashes, are recognised by their characters,
  too, where all of these years are in the range and clocks show UTC. Which number is the day is decided before parsing,
  because a pattern that fails costs a microsecond.
-#}
{% macro duckdb__has_quick_numbers(options) -%}
  {{ return(not options.time_zone and not options.formats and options.first <= '2000-01-01' and options.last >= '2099-12-31') }}
{%- endmacro %}

{% macro duckdb__is_quick_numbers(value) -%}
  {%- set date = '[0-9][0-9][-/.][0-9][0-9][-/.]20[0-9][0-9]' -%}
  (
    (strlen({{ value }}) = 10 and {{ value }} glob '{{ date }}')
    or (strlen({{ value }}) = 16 and {{ value }} glob '{{ date }} [0-2][0-9]:[0-5][0-9]')
    or (strlen({{ value }}) = 19 and {{ value }} glob '{{ date }} [0-2][0-9]:[0-5][0-9]:[0-5][0-9]')
  )
{%- endmacro %}

{% macro duckdb__quick_numbers(value, options) -%}
  case {{ options.date_order }}
    when 'dmy' then {{ duckdb__quick_day(value, '%d', '%m') }}
    when 'mdy' then {{ duckdb__quick_day(value, '%m', '%d') }}
    when 'ymd' then null
    else
      case
        when {{ value }} >= '13' then {{ duckdb__quick_day(value, '%d', '%m') }}
        when {{ duckdb__second_is_a_day(value) }} then {{ duckdb__quick_day(value, '%m', '%d') }}
        when {{ options.date_order }} = 'mixed' and {{ value }}[1:2] != {{ value }}[4:5] then null
        else {{ duckdb__quick_day(value, '%d', '%m') if options.slash_date_order == 'dmy' else duckdb__quick_day(value, '%m', '%d') }}
      end
  end
{%- endmacro %}

{% macro duckdb__quick_day(value, first, second) -%}
  case strlen({{ value }})
    {%- for length, time in ((10, ''), (16, ' %H:%M'), (19, ' %H:%M:%S')) %}
    when {{ length }} then
      case
        {%- for separator in ('/', '.', '-') %}
        {{ 'when ' ~ value ~ " like '__" ~ separator ~ "%' then" if not loop.last else 'else' }} try_strptime({{ value }}, '{{ first }}{{ separator }}{{ second }}{{ separator }}%Y{{ time }}')
        {%- endfor %}
      end
    {%- endfor %}
  end
{%- endmacro %}

{#- Whether the second number of DD/DD/… is above 12. (To take it out, as value[4:5], costs three times as much.) -#}
{% macro duckdb__second_is_a_day(value) -%}
  ({{ value }} glob '???1[3-9]*' or {{ value }} glob '???[2-9]*')
{%- endmacro %}

{#- A value by the patterns of its column, in the range. Patterns with an offset give TIMESTAMPTZ, the others local time. -#}
{% macro duckdb__by_formats(value, options) -%}
  {%- set read = [] -%}
  {%- for format in options.formats -%}
    {%- set parsed = "try_strptime(" ~ value ~ ", '" ~ format | replace("'", "''") ~ "')" -%}
    {%- do read.append(
      'make_timestamp(epoch_us(' ~ parsed ~ '))' if '%z' in format or '%Z' in format
      else duckdb__in_zone(parsed, options.time_zone) if options.time_zone else parsed
    ) -%}
  {%- endfor -%}
  {{ duckdb__let('coalesce(' ~ read | join(', ') ~ ')', '_instant', duckdb__in_range('_instant', options)) }}
{%- endmacro %}

{% macro duckdb__in_range(instant, options) -%}
  case when {{ instant }} between timestamp '{{ options.first }}' and timestamp '{{ options.last }} 23:59:59.999999' then {{ instant }} end
{%- endmacro %}

{% macro duckdb__range_us(options) -%}
  epoch_us(timestamp '{{ options.first }}') and epoch_us(timestamp '{{ options.last }} 23:59:59.999999')
{%- endmacro %}

{#- Of a value's readings the one that holds in its file. Args: a list of instants (readings), options. -#}
{% macro duckdb__told_reading(readings, options) -%}
  case
    when len({{ readings }}) = 1 then {{ readings }}[1]
    else
      case {{ options.date_order }}
        when 'dmy' then {{ readings }}[1]
        when 'mdy' then {{ readings }}[2]
        when 'ymd' then {{ readings }}[3]
        else
          case
            when len({{ readings }}) = 3 then null
            when {{ readings }}[1] is null or {{ readings }}[2] is null or {{ readings }}[1] = {{ readings }}[2]
              then coalesce({{ readings }}[1], {{ readings }}[2])
            when {{ options.date_order }} = 'mixed' then null
            else {{ readings }}[{{ 1 if options.slash_date_order == 'dmy' else 2 }}]
          end
      end
  end
{%- endmacro %}

{#-
  Every instant that a text can mean, each null where that is impossible or outside the range: one where its form tells the
  order; day first and month first for numbers that end in a year of four digits; day first, month first and year first
  for three numbers of one or two digits. Null where the text has no accepted form.

  The text is rewritten to '<mark><year> <month> <day><time>' (mark chr(1), the order is sure) or '<mark><number> <number>
  <number><time>' (chr(2)), and taken apart by one regular expression.
-#}
{% macro duckdb__readings(value, options) -%}
  {%- set taken_apart -%}
    {{ duckdb__let(
      "case when not contains(" ~ value ~ ", chr(1)) and not contains(" ~ value ~ ", chr(2)) then "
      ~ "case when contains(" ~ value ~ ", '  ') or strlen(" ~ value ~ ") != length(" ~ value ~ ") then regexp_replace(" ~ value ~ ", '" ~ duckdb__blank() ~ "+', ' ', 'g') else " ~ value ~ " end end",
      '_line_read',
      "regexp_extract(" ~ duckdb__rewritten('_line_read') ~ ", '" ~ duckdb__rewritten_pattern() ~ "', "
      ~ "['mark', 'a', 'b', 'c', 'hour', 'minute', 'second', 'fraction', 'half', 'utc', 'shift', 'zone'])"
    ) }}
  {%- endset -%}
  case
    {%- if options.formats %}
    when {{ duckdb__by_formats(value, options) }} is not null then [{{ duckdb__by_formats(value, options) }}]
    {%- endif %}
    when regexp_full_match({{ value }}, '([0-9]{9,19}([.][0-9]+)?|[0-9]{1,25}([.][0-9]{1,25})?[eE][+-]?[0-9]{1,4})')
    and not regexp_full_match({{ value }}, '[0-9]{14}([.][0-9]+)?')
      then [{{ duckdb__in_range_of_us(duckdb__epoch_us(value), options) }}]
    else {{ duckdb__let(taken_apart, '_part', duckdb__readings_of_parts('_part', options)) }}
  end
{%- endmacro %}

{% macro duckdb__blank() -%}
  [ \x{a0}\x{202f}]
{%- endmacro %}

{% macro duckdb__weekdays() -%}
  (?i:Mon|Tue|Wed|Thu|Fri|Sat|Sun)
{%- endmacro %}

{% macro duckdb__months() -%}
  (?i:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)
{%- endmacro %}

{#- A text of an accepted form as mark, three numbers (or a month's name) and time; null when its date has no such form. -#}
{% macro duckdb__rewritten(line) -%}
  {%- set weekday = duckdb__weekdays() -%}
  {%- set number = '([0-9]{1,2})' -%}
  {%- set year = '([0-9]{4}|[0-9]{2})' -%}
  {%- set time = '([T ].*)?' -%}
  {%- set month = '(' ~ duckdb__months() ~ ')' -%}
  {%- set log = number ~ '/' ~ month ~ '/([0-9]{4})(:.*)?' -%}
  {%- set compact = '([0-9]{4})([0-9]{2})([0-9]{2})' -%}
  {#- Mark, pattern, what it becomes; those that begin with a digit first. Unmatched groups are empty. -#}
  {%- set with_digit = [
    (1, '([0-9]{4})(?:-N-N|/N/N|[.]N[.]N)' | replace('N', number) ~ time, '\\1 \\2\\4\\6 \\3\\5\\7\\8'),
    (2, number ~ '(?:-N-Y|/N/Y|[.]N[.]Y)' | replace('N', number) | replace('Y', '([0-9]{4}|[0-9]{1,2})') ~ time, '\\1 \\2\\4\\6 \\3\\5\\7\\8'),
    (1, compact ~ 'T?([0-9]{2})([0-9]{2})([0-9]{2})([^0-9].*)?', '\\1 \\2 \\3T\\4:\\5:\\6\\7'),
    (1, compact, '\\1 \\2 \\3'),
    (1, log, '\\3 \\2 \\1\\4'),
    (1, number ~ '(?:-M-Y| M Y)' | replace('M', month) | replace('Y', year) ~ time, '\\3\\5 \\2\\4 \\1\\6'),
  ] -%}
  {%- set others = [
    (1, '[[]' ~ log, '\\3 \\2 \\1\\4'),
    (1, weekday ~ ', ' ~ number ~ ' ' ~ month ~ ' ' ~ year ~ time, '\\3 \\2 \\1\\4'),
    (1, month ~ ' ' ~ number ~ ',? ' ~ year ~ time, '\\3 \\1 \\2\\4'),
    (1, weekday ~ ' ' ~ month ~ ' ' ~ number ~ '( [0-9:.,]+(?: ?[AaPp][Mm])? (?:[^ ]{3,}|[Zz])) ([0-9]{4})', '\\4 \\1 \\2\\3'),
  ] -%}
  case when {{ line }} between '0' and ':' then
    case
      {%- for mark, pattern, becomes in with_digit %}
      when regexp_full_match({{ line }}, '{{ pattern }}') then regexp_replace({{ line }}, '^{{ pattern }}$', chr({{ mark }}) || '{{ becomes }}')
      {%- endfor %}
    end
  else
    case
      {%- for mark, pattern, becomes in others %}
      when regexp_full_match({{ line }}, '{{ pattern }}') then regexp_replace({{ line }}, '^{{ pattern }}$', chr({{ mark }}) || '{{ becomes }}')
      {%- endfor %}
    end
  end
{%- endmacro %}

{% macro duckdb__rewritten_pattern() -%}
  {%- set clock = '([0-9]{1,2}):([0-5][0-9])(?::([0-5][0-9]|60)(?:[.,]([0-9]+))?)? ?([AaPp][Mm])?' -%}
  {%- set zone = '(?: ?(UTC|GMT)| ?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?(?: ?([A-Z][A-Za-z]*(?:/[A-Za-z0-9_+-]+)+|[A-Z][a-z]{3,}|[[][A-Z][A-Za-z0-9/_+-]+[]]))?)' -%}
  ^([\x01\x02])([0-9]+) ([0-9]{1,2}|[A-Za-z]+) ([0-9]+)(?:[T :]{{ clock }}{{ zone }})?$
{%- endmacro %}

{#- The readings of a text that was taken apart; null where it could not be. -#}
{% macro duckdb__readings_of_parts(part, options) -%}
  {%- set p = part -%}
  {%- set a, b, c = p ~ "['a']", p ~ "['b']", p ~ "['c']" -%}
  {%- set month -%}
    case when {{ b }} < ':' then {{ b }} else cast(instr('janfebmaraprmayjunjulaugsepoctnovdec', lower(left({{ b }}, 3))) // 3 + 1 as varchar) end
  {%- endset -%}
  {%- set days -%}
    case
      when {{ p }}['mark'] = chr(1) then [{{ duckdb__day(a, month, c) }}]
      when strlen({{ c }}) = 4 then [{{ duckdb__day(c, b, a) }}, {{ duckdb__day(c, a, b) }}]
      else [
        case when strlen({{ c }}) = 2 then {{ duckdb__day(c, b, a) }} end,
        case when strlen({{ c }}) = 2 then {{ duckdb__day(c, a, b) }} end,
        case when strlen({{ a }}) = 2 then {{ duckdb__day(a, b, c) }} end
      ]
    end
  {%- endset -%}
  {#- Microseconds since midnight; null for hours that no clock has. -#}
  {%- set hour = "cast(" ~ p ~ "['hour'] as integer)" -%}
  {%- set since_midnight -%}
    case
      when {{ p }}['hour'] = '' then 0
      else 1000000 * (
        60 * cast({{ p }}['minute'] as bigint) + cast('0' || {{ p }}['second'] as integer)
        + 3600 * case
          when {{ p }}['half'] = '' and {{ hour }} < 24 then {{ hour }}
          when {{ p }}['half'] != '' and {{ hour }} between 1 and 12
            then {{ hour }} % 12 + case when lower({{ p }}['half']) = 'pm' then 12 else 0 end
        end
      ) + cast(rpad(left({{ p }}['fraction'], 6), 6, '0') as integer)
    end
  {%- endset -%}
  {%- set zone = "trim(" ~ p ~ "['zone'], '[]')" -%}
  {#- What is not UTC: an offset (east positive), or a zone by its name. -#}
  {%- set shift_minutes -%}
    case when strlen({{ p }}['shift']) > 1
      then cast({{ p }}['shift'][1] || '1' as integer) * (60 * cast({{ p }}['shift'][2:3] as integer) + cast('0' || replace({{ p }}['shift'][4:], ':', '') as integer))
      else 0
    end
  {%- endset -%}
  {%- set instant -%}
    case
      when {{ p }}['shift'] != '' then _day_time - to_minutes({{ shift_minutes }})
      when {{ p }}['utc'] != '' or {{ p }}['zone'] in ('[UTC]', '[GMT]') then _day_time
      when {{ p }}['zone'] != '' then {{ duckdb__in_zone('_day_time', zone, is_literal=false) }}
      else {{ duckdb__in_zone('_day_time', options.time_zone) if options.time_zone else '_day_time' }}
    end
  {%- endset -%}
  case
    when {{ p }}['mark'] = '' or {{ p }}['mark'] is null then null
    when strlen({{ p }}['shift']) > 1 and (
      abs({{ shift_minutes }}) > 14 * 60 or replace({{ p }}['shift'][4:], ':', '') >= '60'
    ) then null
    when {{ p }}['zone'] != '' and {{ p }}['zone'] not in ('[UTC]', '[GMT]') and (
      {{ zone }} like 'SystemV/%' or regexp_full_match({{ zone }}, '[^/]{1,3}|[^a-z/]+')
      or try_cast('2000-01-01 00:00:00 ' || {{ zone }} as timestamptz) is null
    ) then null
    else list_transform(
      list_transform({{ days }}, lambda _day: _day + to_microseconds({{ since_midnight }})),
      lambda _day_time: {{ duckdb__let(instant, '_instant', duckdb__in_range('_instant', options)) }}
    )
  end
{%- endmacro %}

{#- Midnight of a day given by texts of digits; a year of two digits is 1969 to 2068. Null when there is no such day. -#}
{% macro duckdb__day(year, month, day) -%}
  try_cast(case strlen({{ year }}) when 4 then '' when 2 then case when {{ year }} < '69' then '20' else '19' end end || {{ year }} || '-' || {{ month }} || '-' || {{ day }} as timestamp)
{%- endmacro %}

{#-
  The instant at which clocks of a zone show a time: the first of two, null when there is none.

  Args:
    day_time (SQL expression): TIMESTAMP of the clocks; evaluated several times.
    zone (string or SQL expression): a zone that exists.
  Returns: a SQL expression of type TIMESTAMP, UTC. A zone's clocks are at most 14 hours from UTC, so the offsets that were in
    force a day before and a day after are all that count; one holds where the clocks show the time at that instant.
-#}
{% macro duckdb__in_zone(day_time, zone, is_literal=true) -%}
  {%- set name = "'" ~ zone ~ "'" if is_literal else zone -%}
  {%- set instants = [] -%}
  {%- for days in ('-', '+') -%}
    {%- set other = '(' ~ day_time ~ ' ' ~ days ~ ' to_days(1))' -%}
    {%- do instants.append(day_time ~ ' - (timezone(' ~ name ~ ', cast(' ~ other ~ ' as timestamptz)) - ' ~ other ~ ')') -%}
  {%- endfor -%}
  list_min(list_filter([{{ instants | join(', ') }}], lambda _utc: timezone({{ name }}, cast(_utc as timestamptz)) = {{ day_time }}))
{%- endmacro %}

{% macro duckdb__in_range_of_us(us, options) -%}
  {{ duckdb__let(us, '_us', 'case when _us between ' ~ duckdb__range_us(options) ~ ' then make_timestamp(_us) end') }}
{%- endmacro %}

{#-
  Microseconds since 1970 of a number of seconds (9 to 10 digits), milli- (12 to 13), micro- (15 to 16) or nanoseconds (18 to
  19), or of 18 digits that are .NET's ticks of 100 nanoseconds since the year 1, each with a fraction or an exponent.
-#}
{% macro duckdb__epoch_us(value) -%}
  {%- set written -%}
    case when regexp_matches({{ value }}, '[eE]') then ltrim({{ duckdb__written_out(value) }}, '0') else {{ value }} end
  {%- endset -%}
  {%- set digits = "split_part(_written, '.', 1)" -%}
  {%- set padded = digits ~ " || split_part(_written, '.', 2) || '000000'" -%}
  {%- set us -%}
    case
      when strlen({{ digits }}) between 9 and 10 then cast(left({{ padded }}, strlen({{ digits }}) + 6) as bigint)
      when strlen({{ digits }}) between 12 and 13 then cast(left({{ padded }}, strlen({{ digits }}) + 3) as bigint)
      when strlen({{ digits }}) between 15 and 16 then cast({{ digits }} as bigint)
      when strlen({{ digits }}) = 18 and {{ digits }} between '620000000000000000' and '650000000000000000'
        then cast({{ digits }} as bigint) // 10 - 62135596800000000
      when strlen({{ digits }}) between 18 and 19 then cast(left({{ digits }}, strlen({{ digits }}) - 3) as bigint)
    end
  {%- endset -%}
  {{ duckdb__let(written, '_written', us) }}
{%- endmacro %}

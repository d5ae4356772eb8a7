{#-
  The instant at which alerts are judged: the var as_of, any timestamp the feeds accept; default: when the run started.

  Returns: a SQL expression of type TIMESTAMP in UTC.
  Errors: a text that is no timestamp stops compilation.
-#}
{% macro as_of() -%}
  {%- if var('as_of', none) is none -%}
    {{ return("cast('" ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f') ~ "' as timestamp)") }}
  {%- endif -%}
  {%- set given = parse_timestamp("'" ~ (var('as_of') | string | replace("'", "''")) ~ "'") -%}
  {%- if execute and run_query('select ' ~ given ~ ' is null').rows[0][0] -%}
    {{ exceptions.raise_compiler_error("var as_of is '" ~ var('as_of') ~ "', which is no timestamp; give one such as 2026-01-15T06:00:00Z") }}
  {%- endif -%}
  {{ return('(' ~ given ~ ')') }}
{%- endmacro %}

{#- An alert about a date that is still going on is for information. Args: a DATE expression. Returns: the severity. -#}
{% macro severity_of_day(date) -%}
  case when {{ date }} >= cast({{ as_of() }} as date) then 'info' else 'warning' end
{%- endmacro %}

{#-
  as_of, moved by some hours, as a literal: a comparison with a literal lets DuckDB skip what cannot match.

  Args:
    hours (integer): how much later.
  Returns: a SQL literal of type TIMESTAMP.
-#}
{% macro as_of_literal(hours=0) -%}
  {%- if not execute -%}{{ return("timestamp '1970-01-01'") }}{%- endif -%}
  {%- set instant = asked_once('select cast(' ~ as_of() ~ ' as varchar)', true)[0][0] -%}
  {%- set moved = modules.datetime.datetime.fromisoformat(instant) + modules.datetime.timedelta(hours=hours) -%}
  {{ return("timestamp '" ~ moved.isoformat(' ') ~ "'") }}
{%- endmacro %}

{#- The instant after which an event is one of the future: a day after as_of. Returns: a SQL literal of type TIMESTAMP. -#}
{% macro future_begins() -%}
  {{ return(as_of_literal(24)) }}
{%- endmacro %}

{#- An instant as published text, YYYY-MM-DDTHH:MM:SS.ffffffZ. Args: a TIMESTAMP expression in UTC. Returns: VARCHAR. -#}
{% macro instant_text(instant) -%}
  {{ return(adapter.dispatch('instant_text')(instant)) }}
{%- endmacro %}

{% macro default__instant_text(instant) -%}
  {{ exceptions.raise_compiler_error('instant_text is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__instant_text(instant) -%}
  strftime({{ instant }}, '%Y-%m-%dT%H:%M:%S.%fZ')
{%- endmacro %}

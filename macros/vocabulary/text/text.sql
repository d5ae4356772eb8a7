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

{#- A bucket as published text, YYYY-MM-DDTHH:MM:SSZ. Args: a TIMESTAMP expression in UTC. Returns: VARCHAR. -#}
{% macro bucket_text(bucket) -%}
  {{ return(adapter.dispatch('bucket_text')(bucket)) }}
{%- endmacro %}

{% macro default__bucket_text(bucket) -%}
  {{ exceptions.raise_compiler_error('bucket_text is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__bucket_text(bucket) -%}
  strftime({{ bucket }}, '%Y-%m-%dT%H:%M:%SZ')
{%- endmacro %}

{#- A date as published text, YYYY-MM-DD. Args: a DATE expression. Returns: VARCHAR. -#}
{% macro date_text(date) -%}
  cast({{ date }} as {{ dbt.type_string() }})
{%- endmacro %}

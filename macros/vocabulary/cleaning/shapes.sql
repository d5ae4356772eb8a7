{#- Whether a text has the shape x@y.z: one @, something before it, and a dot inside what follows; no white space. Args: value (SQL expression). -#}
{% macro is_email(value) -%}
  {{ return(adapter.dispatch('matches')(value, '[^@[:space:]\u00a0]+@[^@[:space:]\u00a0]+[.][^@.[:space:]\u00a0]+')) }}
{%- endmacro %}

{#- Whether a text is three capital letters, the shape of an ISO 4217 currency code. Args: value (SQL expression). -#}
{% macro is_currency(value) -%}
  {{ return(adapter.dispatch('matches')(value, '[A-Z]{3}')) }}
{%- endmacro %}

{#- Whether a text may name a tenant: it becomes a file name, so nothing else than these characters ever may. Args: value (SQL expression). -#}
{% macro is_tenant_id(value) -%}
  {{ return(adapter.dispatch('matches')(value, '[a-z0-9_-]{1,64}')) }}
{%- endmacro %}

{#-
  The tenant that a text names, in lower case; null when it can't be one. It is checked before it is folded, because letters
  beyond ASCII, such as the Kelvin sign, have ASCII ones as their lower case. Args: value (SQL expression).
-#}
{% macro typed_tenant_id(value) -%}
  case when {{ adapter.dispatch('matches')(value, '[A-Za-z0-9_-]{1,64}') }} then lower({{ value }}) end
{%- endmacro %}

{#- A regular expression over the whole text. Args: SQL expression, pattern without backslashes. Returns: BOOLEAN. -#}
{% macro default__matches(value, pattern) -%}
  {{ exceptions.raise_compiler_error('matches is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__matches(value, pattern) -%}
  regexp_full_match({{ value }}, '{{ pattern }}')
{%- endmacro %}

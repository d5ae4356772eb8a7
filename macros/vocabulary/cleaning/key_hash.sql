{#-
  Sixty-four bits of a key, for finding rows of one key without comparing text.

  Args:
    columns (list of SQL expressions): the parts of the key.
  Returns: a SQL expression of type UBIGINT, null when any part is null. Different keys may share a hash: whoever
    uses it compares the real key where that matters. md5 because it never changes between versions, unlike hash().
-#}
{% macro key_hash(columns) -%}
  {{ return(adapter.dispatch('key_hash')(columns)) }}
{%- endmacro %}

{% macro default__key_hash(columns) -%}
  {{ exceptions.raise_compiler_error('key_hash is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__key_hash(columns) -%}
  cast(md5_number({{ columns | join(" || chr(31) || ") }}) >> 64 as ubigint)
{%- endmacro %}

{#-
  Whether the warehouse's relation of the current model was made from what it would be made from now.

  Args:
    fingerprint (SQL expression): what it would be made from now.
  Returns: a boolean.
-#}
{% macro is_built_from(fingerprint) -%}
  {{ return(run_query('select ' ~ duckdb__is_built_sql(fingerprint)).rows[0][0]) }}
{%- endmacro %}

{#- is_built_from as a SQL expression. -#}
{% macro duckdb__is_built_sql(fingerprint) -%}
  exists (select 1 from state.built where model = '{{ this.identifier }}' and fingerprint = {{ fingerprint }})
{%- endmacro %}

{#- Note what the current model's relation was made from. Args: as is_built_from. Returns: SQL statements. -#}
{% macro note_built(fingerprint) -%}
  delete from state.built where model = '{{ this.identifier }}';
  insert into state.built values ('{{ this.identifier }}', {{ fingerprint }})
{%- endmacro %}

{#- The current model's relation was made from nothing that counts: the next build makes it anew. Returns: a SQL statement. -#}
{% macro forget_built() -%}
  delete from state.built where model = '{{ this.identifier }}'
{%- endmacro %}

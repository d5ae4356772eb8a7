{#-
  A column of tenant_payloads as SQLite takes it.

  Args:
    field (mapping): one of what payload_fields returned.
  Returns: a SQL expression of type VARCHAR, DOUBLE, BIGINT or BOOLEAN.
-#}
{% macro published_field(field) -%}
  {%- if field.type == 'amount' -%}cast({{ field.name }} as double)
  {%- elif field.type == 'timestamp' -%}{{ instant_text(field.name) }}
  {%- else -%}{{ field.name }}
  {%- endif -%}
{%- endmacro %}

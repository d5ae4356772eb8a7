{#- Sixty-four bits of what the service is told about a transaction besides its id: other content is another question. -#}
{% macro transaction_content_hash() -%}
  {{ key_hash([
    "coalesce(description, chr(0))",
    "cast(amount as varchar)",
    "cast(transacted_at as varchar)",
    "coalesce(merchant, chr(0))",
    "coalesce(operation_type, chr(0))",
    "side",
  ]) }}
{%- endmacro %}

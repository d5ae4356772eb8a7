{#-
  The feeds whose clean records are events: each must have an instant. Customers are none: their created_at may be absent.

  Returns: a mapping, feed -> the entity's column that holds the instant.
-#}
{% macro event_instants() -%}
  {{ return({
    'orders': 'ordered_at',
    'product_events': 'event_at',
    'service_events': 'event_at',
    'tenant_events': 'event_at',
    'transactions': 'transacted_at',
  }) }}
{%- endmacro %}

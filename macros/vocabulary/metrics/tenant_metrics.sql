{#-
  Metrics of tenants' events per tenant, source, event type and bucket, as sums that a rollup adds.

  Args:
    events (string): the CTE of events, with the columns of payload_values for the field amount.
    bucket (string): 'minute', 'hour' or 'day'; also the name of the bucket column.
  Returns: a SQL query. Amounts are summed as decimals, so that sums are exact and do not depend on the order of rows.
-#}
{% macro tenant_metrics(events, bucket) -%}
  {%- set amount = payload_fields(['amount']) -%}
  with told as (
    select *, {{ payload_text(amount[0], amount) | indent(4) }} as amount_text from {{ events }}
  ),

  cleaned as (
    select *, {{ clean_text('amount_text') | indent(4) }} as clean_amount from told
  ),

  parsed as (
    select *, {{ payload_typed('amount', 'clean_amount') | indent(4) }} as amount from cleaned
  )

  select
    tenant_id,
    source,
    event_type,
    date_trunc('{{ bucket }}', event_at) as {{ bucket }},
    count(*) as event_count,
    count(amount) as amount_count,
    cast(coalesce(sum(amount), 0) as decimal(38, 4)) as amount_sum,
    cast(coalesce(sum({{ byte_length('payload') }}), 0) as bigint) as payload_bytes
  from parsed
  group by tenant_id, source, event_type, date_trunc('{{ bucket }}', event_at)
{%- endmacro %}

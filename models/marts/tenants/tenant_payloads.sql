{{ config(materialized='view', meta={'feed': 'tenant_events', 'lake': {'table': 'clean/tenant_events'}}) }}

{%- set fields = payload_fields() %}

with events as (
  select * from {{ ref('tenant_events') }}
),

found as (
  select
    *,
    {{ payload_values(fields) | indent(4) }}
  from events
),

told as (
  select
    {%- for field in fields %}
    {{ payload_text(field, fields) | indent(4) }} as raw_{{ field.name }},
    {%- endfor %}
    found.*
  from found
),

cleaned as (
  select
    {%- for field in fields %}
    {{ clean_text('raw_' ~ field.name) | indent(4) }} as clean_{{ field.name }},
    {%- endfor %}
    told.*
  from told
),

typed as (
  select
    {%- for field in fields %}
    {{ payload_typed(field.type, 'clean_' ~ field.name) }} as {{ field.name }},
    {%- endfor %}
    {{ payload_is_personal(fields) | indent(4) }} as is_personal,
    cleaned.*
  from cleaned
),

tenant_payloads as (
  select
    tenant_id,
    event_id,
    source,
    event_type,
    event_at,
    schema_version,
    {{ published_payload(fields, 'is_personal') | indent(4) }} as payload,
    {%- for field in fields %}
    {%- if field.is_personal %}
    case when is_personal then {{ pii_hash(field.name) }} else {{ field.name }} end as {{ field.name }},
    {%- else %}
    {{ field.name }},
    {%- endif %}
    {%- endfor %}
    {{ byte_length('payload') }} as payload_bytes,
    ingest_date,
    _load_id,
    _key_hash
  from typed
)

select * from tenant_payloads

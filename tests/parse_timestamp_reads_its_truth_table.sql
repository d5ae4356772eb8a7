-- Every case of the truth table, read by the macros that staging uses; the result is a TIMESTAMP, never one with a zone,
-- because grouping by minute would cost twice as much.
with cases as (
  select
    *,
    coalesce(time_zone, 'UTC') as read_in
  from {{ ref('timestamp_cases') }}
),

parsed as (
  {%- for zone in ['UTC', 'Europe/Berlin'] %}
  {%- set options = timestamp_options(date_order='cases.date_order', time_zone=zone) %}
  {%- do options.update({'slash_date_order': 'dmy', 'first': '1900-01-01', 'last': '2099-12-31'}) %}
  select
    cases.*,
    {{ adapter.dispatch('parse_timestamp')('cases.raw', options) }} as parsed_at,
    {{ adapter.dispatch('is_ambiguous_timestamp')('cases.raw', options) }} as parsed_is_ambiguous
  from cases
  where cases.read_in = '{{ zone }}'
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),

judged as (
  select
    cases.raw,
    cases.date_order,
    cases.time_zone,
    cases.expected,
    parsed.parsed_at,
    case
      when parsed.raw is null
        then concat('''', cases.raw, ''' is read in ', cases.read_in, ', which this test leaves out')
      when (parsed.parsed_at = cases.expected or (parsed.parsed_at is null and cases.expected is null)) is not true
        then concat(
          '''', cases.raw, ''' (', cases.note, ') is read as ', coalesce(cast(parsed.parsed_at as {{ dbt.type_string() }}), 'null')
        )
      when parsed.parsed_is_ambiguous != cases.is_ambiguous
        then concat('''', cases.raw, ''' (', cases.note, ') is ambiguous: ', parsed.parsed_is_ambiguous)
      when typeof(parsed.parsed_at) != 'TIMESTAMP'
        then concat('the type is ', typeof(parsed.parsed_at))
    end as failure_reason
  from cases
  left join parsed
    on cases.raw = parsed.raw and cases.read_in = parsed.read_in and cases.date_order is not distinct from parsed.date_order
)

select * from judged
where failure_reason is not null

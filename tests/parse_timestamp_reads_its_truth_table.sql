-- Every case of the truth table, read by the macro that staging uses; the result is a TIMESTAMP, never one with a zone,
-- because grouping by minute would cost twice as much.
with cases as (
  select * from {{ ref('timestamp_cases') }}
),

parsed as (
  select
    raw,
    expected,
    note,
    {{ parse_timestamp('raw', slash_date_order='dmy') }} as parsed_at
  from cases
),

judged as (
  select
    raw,
    expected,
    parsed_at,
    case
      when (parsed_at = expected or (parsed_at is null and expected is null)) is not true
        then concat('''', raw, ''' (', note, ') is read as ', coalesce(cast(parsed_at as {{ dbt.type_string() }}), 'null'))
      when typeof(parsed_at) != 'TIMESTAMP'
        then concat('the type is ', typeof(parsed_at))
    end as failure_reason
  from parsed
)

select * from judged
where failure_reason is not null

-- Every case of the truth table, read by the three macros that staging uses.
with cases as (
  select * from {{ ref('number_cases') }}
),

parsed as (
  select
    *,
    {{ parse_number('raw') }} as parsed_number,
    {{ parse_integer('raw') }} as parsed_integer,
    {{ parse_amount('raw', decimal="coalesce(decimal, 'point')") }} as parsed_amount
  from cases
),

judged as (
  select
    raw,
    decimal,
    note,
    case
      when (parsed_number = expected_number or (parsed_number is null and expected_number is null)) is not true
        then concat('parse_number reads ''', raw, ''' as ', coalesce(cast(parsed_number as {{ dbt.type_string() }}), 'null'))
      when (parsed_integer = expected_integer or (parsed_integer is null and expected_integer is null)) is not true
        then concat('parse_integer reads ''', raw, ''' as ', coalesce(cast(parsed_integer as {{ dbt.type_string() }}), 'null'))
      when (parsed_amount = expected_amount or (parsed_amount is null and expected_amount is null)) is not true
        then concat('parse_amount reads ''', raw, ''' as ', coalesce(cast(parsed_amount as {{ dbt.type_string() }}), 'null'))
      when typeof(parsed_amount) != 'DECIMAL(18,4)'
        then concat('the type of an amount is ', typeof(parsed_amount))
    end as failure_reason
  from parsed
)

select * from judged
where failure_reason is not null

{{ config(
  meta={
    'published': {
      'database': 'operations',
      'table': 'reject_reasons',
      'key': ['reject_reason'],
      'sort': 'reject_reason',
    },
  }
) }}

with reasons as (
  select * from {{ ref('reject_reasons') }}
),

published_reject_reasons as (
  select
    reject_reason,
    meaning,
    example
  from reasons
)

select * from published_reject_reasons

{{ config(
  meta={
    'feed': 'transactions',
    'published': {
      'database': 'operations',
      'table': 'dead_letters',
      'key': ['id'],
      'sort_desc': 'last_asked_at',
      'facets': ['last_error'],
    },
  }
) }}

with dead_letters as (
  select * from {{ ref('dead_letters') }}
),

published_dead_letters as (
  select
    id,
    attempts,
    last_error,
    {{ instant_text('last_asked_at') }} as last_asked_at,
    {{ instant_text('transacted_at') }} as transacted_at,
    cast(amount as double) as amount,
    side,
    merchant,
    description
  from dead_letters
)

select * from published_dead_letters

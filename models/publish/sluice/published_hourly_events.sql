{{ config(
  meta={
    'published': {
      'database': 'sluice',
      'table': 'hourly_events',
      'key': ['feed', 'event_date', 'hour'],
      'sort_desc': 'event_date',
      'facets': ['feed'],
    },
  }
) }}

with hourly_events as (
  select * from {{ ref('hourly_events') }}
),

published_hourly_events as (
  select feed, {{ date_text('event_date') }} as event_date, hour, event_count
  from hourly_events
)

select * from published_hourly_events

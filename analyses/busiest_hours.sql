-- Which hours were the busiest of each service, and what share of their requests failed?
-- .venv/bin/dbt show --select busiest_hours --limit 6

with hours as (
  select * from {{ ref('service_metrics_per_hour') }}
),

ranked as (
  select
    service,
    hour,
    request_count,
    error_count,
    error_rate,
    p95_latency_ms,
    row_number() over (partition by service order by request_count desc, hour asc) as place
  from hours
),

busiest_hours as (
  select
    service,
    hour,
    request_count,
    error_count,
    round(100 * error_rate, 2) as error_percent,
    round(p95_latency_ms, 1) as p95_latency_ms
  from ranked
  where place = 1
)

select * from busiest_hours
order by request_count desc, service asc

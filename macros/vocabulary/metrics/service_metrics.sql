{#-
  Metrics of service events per service and bucket: request and latency counts, latency percentiles, error rate.

  Args:
    events (string): the CTE or relation of service events.
    bucket (string): 'minute', 'hour' or 'day'; also the name of the bucket column.
  Returns: a SQL query, one row per service and bucket that has events.

  Percentiles are exact and interpolated (quantile_cont), all three from one pass. Latencies are summed
  with compensation (fsum, Kahan), because a plain sum of doubles depends on the order in which rows are met.
-#}
{% macro service_metrics(events, bucket) -%}
  {{ return(adapter.dispatch('service_metrics')(events, bucket)) }}
{%- endmacro %}

{% macro default__service_metrics(events, bucket) -%}
  {{ exceptions.raise_compiler_error('service_metrics is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__service_metrics(events, bucket) -%}
  select
    service,
    {{ bucket }},
    request_count,
    latency_count,
    avg_latency_ms,
    percentiles[1] as p50_latency_ms,
    percentiles[2] as p95_latency_ms,
    percentiles[3] as p99_latency_ms,
    status_count,
    error_count,
    error_count / nullif(status_count, 0) as error_rate
  from (
    select
      service,
      date_trunc('{{ bucket }}', event_at) as {{ bucket }},
      count(*) as request_count,
      count(latency_ms) as latency_count,
      fsum(latency_ms) / nullif(count(latency_ms), 0) as avg_latency_ms,
      quantile_cont(latency_ms, [0.5, 0.95, 0.99]) as percentiles,
      count(status_code) as status_count,
      count(*) filter (where status_code not between 200 and 299) as error_count
    from {{ events }}
    group by service, date_trunc('{{ bucket }}', event_at)
  )
{%- endmacro %}

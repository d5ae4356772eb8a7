-- The alerts of every date: date and report as JSON.
with alerts_per_date as (
  select
    ingest_date,
    list(
      struct_pack(
        alert := alert,
        feed := feed,
        severity := severity,
        observed := observed,
        threshold := threshold,
        message := message,
        file := file
      )
      order by alert, feed, file
    ) as alerts
  from alerts
  group by ingest_date
)

select
  cast(report_dates.ingest_date as varchar) as ingest_date,
  cast(to_json(struct_pack(
    ingest_date := cast(report_dates.ingest_date as varchar),
    alerts := coalesce(alerts_per_date.alerts, [])
  )) as varchar) as report
from report_dates
left join alerts_per_date on report_dates.ingest_date = alerts_per_date.ingest_date

"""Rollups are kept by difference and are what their SQL gives; where they can't be kept, they are made anew."""

import pytest
from tests.pipeline.harness import DataHome, csv_text

pytestmark = pytest.mark.slow  # several builds

COLUMNS = ["event_id", "service", "event_type", "timestamp", "latency_ms"]


def _events(minutes: range, latency: int = 10) -> str:
    """One event a minute; every twentieth is slow."""
    return csv_text(
        COLUMNS,
        (
            [f"e{n}", "cart", "get", f"2026-01-01T10:{n:02}:00Z", 400 if n % 20 == 19 else latency]
            for n in minutes
        ),
    )


def _count(home: DataHome, table: str) -> int:
    return home.query(f"select count(*) from {table}")[0][0]


def test_a_rollup_by_another_sql_is_made_anew_and_published_whole(home: DataHome) -> None:
    home.write("service_events/ingest_date=2026-01-01/a.csv", _events(range(50)))
    home.build()
    found = _count(home, "service_anomalies")
    assert found > 0

    fewer = ("--vars", "{anomaly_score: 1000}")
    home.assert_definitions(home.build(*fewer))
    assert _count(home, "service_anomalies") < found
    assert len(home.published()["service_anomalies"]) == _count(home, "service_anomalies")

    home.assert_definitions(home.build())
    assert len(home.published()["service_anomalies"]) == _count(home, "service_anomalies") == found


def test_untouched_groups_are_not_made_again(home: DataHome) -> None:
    """A planted fault in an untouched day stays: only the changed groups were read."""
    home.write("service_events/ingest_date=2026-01-01/a.csv", _events(range(50)))
    home.build()
    with home.opened() as warehouse:
        warehouse.execute(
            "update service_metrics_per_minute set request_count = 7 where minute = '2026-01-01 10:05:00'"
        )
    home.write("service_events/ingest_date=2026-01-01/b.csv", _events(range(50, 60)))
    home.dbt("run")
    counts = dict(home.query("select minute(minute), request_count from service_metrics_per_minute"))
    assert counts[5] == 7 and counts[55] == 1 and len(counts) == 60


def test_an_empty_run_keeps_rollups(home: DataHome) -> None:
    home.write("service_events/ingest_date=2026-01-01/a.csv", _events(range(50)))
    home.build()
    home.write("service_events/ingest_date=2026-01-01/b.csv", _events(range(50, 60)))
    home.dbt("run", "--select", "+config.materialized:rollup", "--empty")
    assert _count(home, "service_metrics_per_minute") == 50
    home.assert_definitions(home.build())
    assert _count(home, "service_metrics_per_minute") == 60

    home.dbt("run", "--select", "+config.materialized:rollup", "--empty", "--full-refresh")
    home.write("service_events/ingest_date=2026-01-01/a.csv", _events(range(30)), modified=1_900_000_000)
    home.assert_definitions(home.build())
    assert _count(home, "service_metrics_per_minute") == 40

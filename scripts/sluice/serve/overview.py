"""The numbers of the front page, read once per build: what was rejected and why, alerts, and the charts."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sluice.serve.metrics import SERVICE, read_series_keys

Within = Callable[[sqlite3.Connection, Callable[[], Any], Any], Any]
WINDOWS = (("minute", 180, "-3 hours"), ("hour", 168, "-7 days"), ("day", 120, "-120 days"))
"""Bucket size, most buckets to draw, span before the newest one: the finest that has enough to show."""
ENOUGH = 12


@dataclass(frozen=True)
class Point:
    """All services together in one bucket."""

    bucket: str
    requests: int
    error_rate: float | None


@dataclass(frozen=True)
class Overview:
    """What the front page shows beside the tables."""

    rejected: tuple[dict[str, Any], ...] = ()
    read: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)
    alerts: tuple[dict[str, Any], ...] = ()
    bucket_size: str = "minute"
    points: tuple[Point, ...] = ()


def _rows(connection: sqlite3.Connection, sql: str) -> tuple[dict[str, Any], ...]:
    return tuple(dict(row) for row in connection.execute(sql))


def _per_feed(connection: sqlite3.Connection, column: str) -> dict[str, int]:
    return dict(
        map(
            tuple,
            connection.execute(f"select feed, sum({column}) from daily_metrics group by feed order by feed"),
        )
    )


def read_points(connection: sqlite3.Connection, bucket_size: str, most: int, span: str) -> tuple[Point, ...]:
    """Requests and error rate over all services in the newest buckets, service by service through the key."""
    table = f"service_metrics_per_{bucket_size}"
    services = [key[0] for key in read_series_keys(connection, table, SERVICE.columns)]
    newest_sql = f"select max({bucket_size}) from {table} where service = ?"
    newest = max(
        (connection.execute(newest_sql, (service,)).fetchone()[0] for service in services), default=None
    )
    if newest is None:
        return ()
    first = connection.execute("select strftime('%Y-%m-%dT%H:%M:%SZ', ?, ?)", (newest, span)).fetchone()[0]
    totals: dict[str, list[int]] = {}
    for service in services:
        for bucket, requests, statuses, errors in connection.execute(
            f"select {bucket_size}, request_count, status_count, error_count from {table}"
            f" where service = ? and {bucket_size} > ?",
            (service, first),
        ):
            total = totals.setdefault(bucket, [0, 0, 0])
            total[0] += requests
            total[1] += statuses
            total[2] += errors
    return tuple(
        Point(bucket, requests, errors / statuses if statuses else None)
        for bucket, (requests, statuses, errors) in sorted(totals.items())[-most:]
    )


def read_overview(connection: sqlite3.Connection, within: Within) -> Overview:
    """Every part on its own time limit; a part that fails is left out."""
    rejected = within(
        connection,
        lambda: _rows(
            connection,
            "select feed, reject_reason, sum(record_count) as record_count, max(ingest_date) as last_date"
            " from quarantine_summary group by feed, reject_reason order by record_count desc limit 12",
        ),
        (),
    )
    alerts = within(
        connection,
        lambda: _rows(
            connection,
            "select ingest_date, alert, feed, severity, message from alerts order by ingest_date desc,"
            " case severity when 'critical' then 0 when 'warning' then 1 else 2 end, alert, feed limit 6",
        ),
        (),
    )
    chosen: tuple[str, tuple[Point, ...]] = ("minute", ())
    for bucket_size, most, span in WINDOWS:
        points = within(connection, partial(read_points, connection, bucket_size, most, span), ())
        if len(points) > len(chosen[1]):
            chosen = (bucket_size, points)
        if len(points) >= ENOUGH:
            break
    return Overview(
        rejected=rejected,
        read=within(connection, lambda: _per_feed(connection, "records_read"), {}),
        quarantined=within(connection, lambda: _per_feed(connection, "quarantined_count"), {}),
        alerts=alerts,
        bucket_size=chosen[0],
        points=chosen[1],
    )

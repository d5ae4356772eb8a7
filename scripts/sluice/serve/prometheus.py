"""`/prometheus`: the gauges of the published state and the counters of this process."""

import datetime as dt
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import prometheus_client
from datasette import Response
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from sluice.landing.listing import list_landing_files
from sluice.serve.access import OPERATIONS, PUBLIC
from sluice.serve.database import TimedOutError, UnavailableError

if TYPE_CHECKING:
    from sluice.serve.site import Site

prometheus_client.disable_created_metrics()
LISTING_SECONDS = 5
Seen = set[tuple[str, int, str]]
SUCCESS = frozenset({"success", "succeeded", "ok", "pass"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class HttpCounters:
    """What this process answered."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.requests = prometheus_client.Counter(
            "sluice_http_requests_total", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self.seconds = prometheus_client.Histogram(
            "sluice_http_request_seconds",
            "Time until a request was answered.",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.timeouts = prometheus_client.Counter(
            "sluice_http_timeouts_total",
            "Requests whose query ran into its time limit.",
            registry=self.registry,
        )


def to_seconds(text: str | None) -> float | None:
    """An instant as published, in seconds since 1970."""
    try:
        return dt.datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None


def read_public(connection: sqlite3.Connection, sql: str) -> list[tuple[Any, ...]]:
    """The rows of one of the sums below; none where the table is not published."""
    try:
        return list(map(tuple, connection.execute(sql)))
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise


READ = "select feed, sum(records_read) from daily_metrics group by feed"
QUARANTINED = (
    "select feed, reject_reason, sum(record_count) from quarantine_summary group by feed, reject_reason"
)


def read_operations(
    connection: sqlite3.Connection,
) -> tuple[tuple[Any, ...] | None, Seen]:
    """The last finished run, and every file version that was already looked at."""
    run = connection.execute(
        "select finished_at, status, seconds from pipeline_runs where finished_at is not null"
        " order by finished_at desc limit 1"
    ).fetchone()
    seen = connection.execute("select file, size_bytes, modified_at from file_loads")
    return (tuple(run) if run else None), {tuple(row) for row in seen}


def modified_text(modified_ns: int) -> str:
    """A modification time as the ledger writes it, cut to microseconds."""
    seconds, nanoseconds = divmod(modified_ns, 1_000_000_000)
    instant = dt.datetime.fromtimestamp(seconds, dt.UTC).replace(microsecond=nanoseconds // 1000)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Published(Collector):
    """Gauges read from the published files for one answer."""

    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> Iterator[Any]:
        """The families, once."""
        yield from self._families


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"sluice_{name}", text, value=value)


class Landing:
    """The landing files no build has looked at; listed at most every few seconds."""

    def __init__(self) -> None:
        self._listed: tuple[float, list[Any]] = (float("-inf"), [])

    def families(self, landing: Path, seen: Seen) -> Iterator[GaugeMetricFamily]:
        """How many files wait, and for how long the oldest does."""
        if time.monotonic() - self._listed[0] > LISTING_SECONDS:
            self._listed = (time.monotonic(), list(list_landing_files(landing)))
        named = {file for file, *_ in seen}
        waiting = [
            listed
            for listed in self._listed[1]
            if not (
                listed.file in named
                if listed.error
                else (listed.file, listed.size_bytes, modified_text(listed.modified_ns)) in seen
            )
        ]
        oldest = min((listed.modified_ns / 1e9 for listed in waiting if not listed.error), default=None)
        yield _gauge("landing_files_waiting", "Landing files that no build has looked at yet.", len(waiting))
        yield _gauge(
            "landing_oldest_waiting_seconds",
            "Age of the oldest waiting landing file, 0 when none waits.",
            max(0.0, time.time() - oldest) if oldest is not None else 0.0,
        )


async def _published_families(site: "Site") -> list[Any]:
    is_usable = site.tokens.check() is None
    families: list[Any] = [
        _gauge("token_file_ok", "0 while the token file cannot be used as it is.", float(is_usable))
    ]
    run: Any = None
    seen: Any = set()
    try:
        run, seen = await site.read(OPERATIONS, read_operations)
    except (UnavailableError, TimedOutError):
        """Nothing built yet: every landing file waits."""
    families += await site.run(lambda: list(site.landing.families(site.home.landing, seen)))
    if run:
        finished, status, seconds = run
        families.append(
            _gauge("last_build_timestamp_seconds", "When the last run finished.", to_seconds(finished) or 0)
        )
        families.append(
            _gauge("last_build_success", "1 when the last run succeeded.", float(status in SUCCESS))
        )
        families.append(_gauge("build_duration_seconds", "How long the last run took.", seconds or 0))
    try:
        facts = await site.facts()
        read_sums, quarantined_sums = await site.read(
            PUBLIC, lambda connection: [read_public(connection, sql) for sql in (READ, QUARANTINED)]
        )
    except (UnavailableError, TimedOutError):
        return families
    read = CounterMetricFamily("sluice_records_read", "Records read, by feed.", labels=["feed"])
    for feed, count in read_sums:
        read.add_metric([feed], count or 0)
    quarantined = CounterMetricFamily(
        "sluice_quarantined_records",
        "Rejected records; one counts under each reason.",
        labels=["feed", "reason"],
    )
    for feed, reason, count in quarantined_sums:
        quarantined.add_metric([feed, reason], count or 0)
    newest = GaugeMetricFamily(
        "sluice_last_event_timestamp_seconds", "Time of the newest clean event, by feed.", labels=["feed"]
    )
    for feed, instant in facts.latest_event_at.items():
        seconds = to_seconds(instant)
        if seconds is not None:
            newest.add_metric([feed], seconds)
    return [*families, read, quarantined, newest]


async def prometheus(site: "Site", request: Any) -> Response:
    """GET /prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Published(await _published_families(site)))
    body = prometheus_client.generate_latest(registry) + prometheus_client.generate_latest(
        site.counters.registry
    )
    return Response(
        body.decode(),
        content_type=prometheus_client.CONTENT_TYPE_LATEST,
        headers={"Cache-Control": "no-store"},
    )

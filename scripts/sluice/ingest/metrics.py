"""Prometheus numbers of the write side. No tenant names: whoever can reach the port may read this page."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from sluice.ingest.landing import Landed
from sluice.ingest.writer import Committed

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One process's numbers."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "sluice_http_requests", "Answered requests.", ["route", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "sluice_http_request_seconds",
            "Seconds from request to answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.accepted = Counter(
            "sluice_ingest_events_accepted", "Events made durable and acknowledged.", registry=registry
        )
        self.rejected = Counter(
            "sluice_ingest_events_rejected", "Events refused, by reason.", ["reason"], registry=registry
        )
        self.commit_seconds = Histogram(
            "sluice_ingest_commit_seconds",
            "Seconds to append and sync one group.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.commit_requests = Histogram(
            "sluice_ingest_commit_requests",
            "Requests that shared one sync.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
            registry=registry,
        )
        self.commit_failures = Counter(
            "sluice_ingest_commit_failures", "Groups that could not be made durable.", registry=registry
        )
        self.landed_files = Counter(
            "sluice_ingest_landed_files", "Segments that became landing files.", registry=registry
        )
        self.landed_events = Counter(
            "sluice_ingest_landed_events", "Events in those landing files.", registry=registry
        )
        self.queued_bytes = Gauge(
            "sluice_ingest_queued_bytes", "Rows that wait for the disk.", registry=registry
        )
        self.backlog_bytes = Gauge(
            "sluice_ingest_backlog_bytes", "Segments that wait to become landing files.", registry=registry
        )
        self.free_bytes = Gauge(
            "sluice_ingest_free_bytes", "Free space of the fuller disk.", registry=registry
        )

        self.token_file_ok = Gauge(
            "sluice_token_file_ok", "0 while the token file cannot be used as it is.", registry=registry
        )

    def on_commit(self, committed: Committed) -> None:
        """One group."""
        self.commit_seconds.observe(committed.seconds)
        self.commit_requests.observe(committed.requests)
        if committed.error:
            self.commit_failures.inc()
        else:
            self.accepted.inc(committed.events)

    def on_landed(self, landed: Landed) -> None:
        """One landing file."""
        if landed.events:
            self.landed_files.inc()
            self.landed_events.inc(landed.events)

    def text(self) -> bytes:
        """The page that Prometheus reads."""
        return generate_latest(self.registry)

"""What a stream process tells: JSON log lines on standard error, Prometheus figures, and gaps for the
alert."""

import json
import logging
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from sluice import durable
from sluice.streams.lander import Landing
from sluice.streams.names import Place, Position, position_text
from sluice.streams.rows import Odd


class JsonLines(logging.Formatter):
    """One JSON object per line: at, level, event, and the fields given as `extra={"fields": …}`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        text = json.dumps(line, default=str, ensure_ascii=False)
        for secret in _hidden:
            text = text.replace(secret, "***")
        return text


_hidden: set[str] = set()


def hide(secrets: Iterable[str]) -> None:
    """Show none of these in any log line from now on."""
    for secret in secrets:
        _hidden.update((secret, json.dumps(secret, ensure_ascii=False)[1:-1]))


def logger(level: str = "info") -> logging.Logger:
    """The stream processes' logger."""
    log = logging.getLogger("sluice.streams")
    if not any(isinstance(each.formatter, JsonLines) for each in log.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        log.addHandler(handler)
        log.propagate = False
    log.setLevel(level.upper())
    return log


class Telemetry:
    """Counts and reports for one process that lands one feed."""

    def __init__(self, feed: str, landing: Path, gaps_file: Path, log: logging.Logger) -> None:
        self.landing = landing
        self.log = log
        self._feed = feed
        self._gaps_file = gaps_file
        self.registry = CollectorRegistry()
        where = ["feed", "topic", "partition"]
        counter = self._counter
        self._messages = counter("sluice_stream_messages_landed", "Messages landed.", where)
        self._bytes = counter("sluice_stream_bytes_landed", "Bytes of landed files.", where)
        self._files = counter("sluice_stream_files_landed", "Files landed.", where)
        self._undecodable = counter("sluice_stream_undecodable", "Landed messages that are no record.", where)
        self._tombstones = counter("sluice_stream_tombstones", "Landed messages without a value.", where)
        self._redelivered = counter(
            "sluice_stream_redelivered", "Messages given again and not landed again.", where
        )
        self._gaps = counter("sluice_stream_gaps", "Times that messages were gone before they landed.", where)
        self._lost = counter(
            "sluice_stream_messages_lost", "Messages known to be gone before they landed.", where
        )
        self._failures = counter("sluice_stream_failures", "Landings put off, by cause.", ["feed", "cause"])
        self._rebalances = counter("sluice_stream_rebalances", "Partitions given or taken.", ["feed", "kind"])
        self._lag = self._gauge(
            "sluice_stream_lag_messages", "Messages in the broker that have not landed.", where
        )
        self._newest = self._gauge(
            "sluice_stream_newest_landed_timestamp_seconds",
            "Broker time of the newest landed message.",
            where,
        )
        self._paused = self._gauge("sluice_stream_paused", "1 while back-pressure stops reading.", ["feed"])
        self._free = self._gauge("sluice_stream_disk_free_bytes", "Free space below landing.", ["feed"])
        self._seconds = Histogram(
            "sluice_stream_landing_seconds",
            "Time to encode and land a batch.",
            ["feed"],
            registry=self.registry,
        )
        self.total = 0

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: list[str]) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def serve(self, port: int) -> None:
        """Answer on http://127.0.0.1:port/prometheus until the process ends."""
        start_http_server(port, addr="127.0.0.1", registry=self.registry)

    def _labels(self, place: Place) -> tuple[str, str, str]:
        return self._feed, place.topic, str(place.partition)

    def say(self, level: int, event: str, place: Place | None = None, **fields: Any) -> None:
        """One log line."""
        if place:
            fields = {"topic": place.topic, "partition": place.partition, **fields}
        self.log.log(level, event, extra={"fields": {"feed": self._feed, **fields}})

    def landed(self, place: Place, landing: Landing, odd: Odd, seconds: float, newest: int) -> None:
        """A batch has landed, or had landed already."""
        labels = self._labels(place)
        self._messages.labels(*labels).inc(landing.messages)
        self._bytes.labels(*labels).inc(landing.size)
        self._undecodable.labels(*labels).inc(odd.undecodable)
        self._tombstones.labels(*labels).inc(odd.tombstones)
        self._redelivered.labels(*labels).inc(landing.skipped)
        self._newest.labels(*labels).set(newest / 1000)
        self._seconds.labels(self._feed).observe(seconds)
        if landing.file:
            self._files.labels(*labels).inc()
        self.total += landing.messages
        self.say(
            logging.INFO,
            "landed",
            place,
            file=landing.file,
            messages=landing.messages,
            skipped=landing.skipped,
            undecodable=odd.undecodable,
            **({"framed_by_schema_registry": odd.framed} if odd.framed else {}),
            **({"tombstones": odd.tombstones} if odd.tombstones else {}),
            bytes=landing.size,
            seconds=round(seconds, 4),
        )

    def redelivered(self, place: Place, messages: int) -> None:
        """The broker gave messages again that were read already."""
        self._redelivered.labels(*self._labels(place)).inc(messages)

    def failed(self, place: Place, cause: str, why: str) -> None:
        """A landing did not happen now."""
        self._failures.labels(self._feed, cause).inc()
        self.say(logging.WARNING, "landing put off", place, cause=cause, why=why)

    def rebalanced(self, kind: str, places: list[Place]) -> None:
        """Partitions came or went."""
        self._rebalances.labels(self._feed, kind).inc(len(places))
        self.say(logging.INFO, f"partitions {kind}", partitions=[f"{p.topic}-{p.partition}" for p in places])

    def lag(self, place: Place, messages: int) -> None:
        """How far landing is behind the broker."""
        self._lag.labels(*self._labels(place)).set(messages)

    def forget(self, place: Place) -> None:
        """The partition is somebody else's: its gauges would be stale."""
        for gauge in (self._lag, self._newest):
            try:
                gauge.remove(*self._labels(place))
            except KeyError:
                continue

    def disk(self, free: int) -> None:
        """Free space below landing."""
        self._free.labels(self._feed).set(free)

    def paused(self, paused: bool) -> None:
        """Back-pressure began or ended."""
        self._paused.labels(self._feed).set(int(paused))
        self.say(logging.WARNING if paused else logging.INFO, "paused" if paused else "resumed")

    def gap(
        self,
        place: Place,
        kind: str,
        expected: Position | None,
        found: Position | None,
        lost: int | None,
        why: str,
    ) -> None:
        """Messages are gone, or may be: one line in gaps.jsonl for the alert, a warning, a count."""
        line = {
            "at": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds"),
            "broker": place.broker,
            "feed": self._feed,
            "topic": place.topic,
            "partition": place.partition,
            "kind": kind,
            "expected": expected and position_text(expected),
            "found": found and position_text(found),
            "lost": lost,
            "why": why,
        }
        self._gaps.labels(*self._labels(place)).inc()
        self._lost.labels(*self._labels(place)).inc(lost or 0)
        self.log.warning("gap", extra={"fields": line})
        try:
            durable.append(self._gaps_file, json.dumps(line).encode() + b"\n")
        except OSError as error:  # the log line above and the counts remain
            self.say(logging.ERROR, "gap not recorded", place, file=str(self._gaps_file), why=str(error))

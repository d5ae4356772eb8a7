"""How fast events are taken: bulk and single, over loopback, each answer durable.

`run` starts its own `scripts/ingest` on a fresh data home, posts as the tokens of many tenants, stops it,
and counts that every acknowledged event has landed exactly once. Client and server share the machine's
cores.
"""

import argparse
import asyncio
import csv
import hashlib
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import uvloop

from sluice.home import PROJECT_ROOT


@dataclass
class Load:
    """What a load run sent and how it was answered."""

    make: Callable[[str], bytes]
    """The body with a given id in it."""
    path: str
    events: int
    """Events per request."""
    latencies: list[float] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)


class _Client(asyncio.Protocol):
    """One connection that sends the next request when the last one is answered."""

    def __init__(self, load: Load, token: str, name: str, until: float) -> None:
        self._load, self._token, self._name, self._until = load, token, name, until
        self._sent = 0
        self._began = 0.0
        self._got = b""
        self._transport: asyncio.WriteTransport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        if time.monotonic() >= self._until:
            self._transport.close()
            return
        self._sent += 1
        body = self._load.make(f"{self._name}-{self._sent}")
        head = (
            f"POST {self._load.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._began = time.perf_counter()
        self._transport.write(head.encode() + body)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._got = b""
        status = int(head[9:12])
        if status in (200, 201):
            self._load.latencies.append(time.perf_counter() - self._began)
            self._load.acknowledged.append(f"{self._name}-{self._sent}")
        else:
            self._load.refused[status] += 1
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def event(event_id: str) -> dict[str, Any]:
    """An e-commerce event of 320 bytes or so; the tenant comes from the token."""
    return {
        "event_id": event_id,
        "source": "web",
        "event_type": "purchase",
        "timestamp": "2026-01-15T10:30:00.123Z",
        "schema_version": 1,
        "payload": {
            "user": {"id": "u-81723", "email": "someone@example.org"},
            "product": {"id": "p-553", "name": "Kettle, 1.7 l"},
            "amount": "129.90",
            "currency": "EUR",
            "processing_flags": {"pii_contains": True},
        },
    }


_MARK = "@id@"


def _single_load() -> Load:
    before, after = (part.encode() for part in json.dumps(event(_MARK)).split(_MARK))
    return Load(lambda name: before + name.encode() + after, "/events", 1)


def _bulk_load(size: int) -> Load:
    """Ids differ in their request's name only, so that the client has next to nothing to do."""
    text = json.dumps({"events": [event(f"{_MARK}-{index}") for index in range(size)]}).encode()
    return Load(lambda name: text.replace(_MARK.encode(), name.encode()), "/events/bulk", size)


async def _drive(port: int, load: Load, tokens: list[str], connections: int, seconds: float) -> float:
    loop, began = asyncio.get_running_loop(), time.monotonic()
    clients = []
    for number in range(connections):
        token = tokens[number % len(tokens)]
        name = f"{load.path.strip('/').replace('/', '-')}-{number}"
        _, client = await loop.create_connection(
            lambda token=token, name=name: _Client(load, token, name, began + seconds), "127.0.0.1", port
        )
        clients.append(client)
    await asyncio.wait_for(asyncio.gather(*(client.done for client in clients)), seconds + 30)
    return time.monotonic() - began


@contextmanager
def serving(home: Path, tenants: int = 100) -> Iterator[tuple[int, list[str], subprocess.Popen[bytes]]]:
    """`scripts/ingest` on a home of its own: its port, one token per tenant, the process."""
    tokens = [f"token-{number}" for number in range(tenants)]
    lines = [
        f"  - {{sha256: '{_digest(token)}', role: tenant, tenant_id: tenant-{number}}}"
        for number, token in enumerate(tokens)
    ]
    file = home / "tokens.yml"
    file.write_text("\n".join(["tokens:", *lines]))
    environment = {**os.environ, "SLUICE_HOME": str(home), "SLUICE_TOKENS_FILE": str(file)}
    environment.pop("SLUICE_LANDING", None)
    with (home / "ingest.log").open("wb") as log:
        process = subprocess.Popen(
            [str(PROJECT_ROOT / "scripts" / "ingest"), "--port", "0"], env=environment, stderr=log
        )
    try:
        yield _port(home / "ingest.log", process), tokens, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _port(log: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text().splitlines():
            found = json.loads(line).get("url") if line.startswith("{") else None
            if found:
                return int(found.rpartition(":")[2])
        time.sleep(0.02)
    raise RuntimeError(f"scripts/ingest did not start: {log.read_text()}")


def landed_ids(home: Path) -> Counter[str]:
    """How often each event id stands in the landing files."""
    found: Counter[str] = Counter()
    for path in sorted((home / "landing").rglob("*.csv")):
        with path.open(newline="") as lines:
            found.update(row["event_id"] for row in csv.DictReader(lines))
    return found


def _figures(load: Load, seconds: float) -> dict[str, Any]:
    cuts = statistics.quantiles(load.latencies, n=100) if len(load.latencies) > 1 else [0.0] * 99
    return {
        "events_per_second": round(len(load.acknowledged) * load.events / seconds),
        "requests": len(load.acknowledged),
        "p50_ms": round(cuts[49] * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
        "max_ms": round(max(load.latencies, default=0.0) * 1000, 1),
        "refused": dict(load.refused),
    }


def run(
    seconds: float = 10.0,
    bulk_size: int = 1_000,
    bulk_connections: int = 4,
    single_connections: int = 64,
    tenants: int = 100,
) -> dict[str, Any]:
    """Bulk, then single, so many seconds each; and whether every acknowledged event landed exactly once."""
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        home = Path(folder)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with serving(home, tenants) as (port, tokens, _):
            bulk, single = _bulk_load(bulk_size), _single_load()
            bulk_seconds = uvloop.run(_drive(port, bulk, tokens, bulk_connections, seconds))
            single_seconds = uvloop.run(_drive(port, single, tokens, single_connections, seconds))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        landed = landed_ids(home)
        expected = [f"{name}-{index}" for name in bulk.acknowledged for index in range(bulk_size)]
        expected += single.acknowledged
        files = len(list((home / "landing").rglob("*.csv")))
    return {
        "bulk": {
            **_figures(bulk, bulk_seconds),
            "events_per_request": bulk_size,
            "connections": bulk_connections,
        },
        "single": {**_figures(single, single_seconds), "connections": single_connections},
        "tenants": tenants,
        "landing_files": files,
        "acknowledged": len(expected),
        "landed_exactly_once": all(landed[name] == 1 for name in expected),
        "server_cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as JSON; 1 where an acknowledged event did not land exactly once."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench ingest", description="Measure scripts/ingest over loopback."
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each of the two loads")
    parser.add_argument("--bulk-size", type=int, default=1_000, help="events per bulk request")
    options = parser.parse_args(arguments)
    figures = run(seconds=options.seconds, bulk_size=options.bulk_size)
    print(json.dumps(figures, indent=2))
    return 0 if figures["landed_exactly_once"] else 1


if __name__ == "__main__":
    sys.exit(main())

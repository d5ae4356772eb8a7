"""How fast events are taken: bulk and single, over loopback, each answer durable.

`run` starts its own `scripts/ingest` on a fresh data home, posts as the tokens of many tenants, stops it,
and counts that every acknowledged event has landed exactly once. Client and server share the machine's
cores.
"""

import argparse
import csv
import datetime as dt
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

from sluice.bench.arguments import how_many
from sluice.bench.load import Load, post
from sluice.home import PROJECT_ROOT

_ID = "@id@"
_TIMESTAMP = b"2026-01-15T10:30:00.123Z"


def event(event_id: str) -> dict[str, Any]:
    """An e-commerce event of 320 bytes or so; the tenant comes from the token."""
    return {
        "event_id": event_id,
        "source": "web",
        "event_type": "purchase",
        "timestamp": _TIMESTAMP.decode(),
        "schema_version": 2,
        "payload": {
            "user": {"id": "u-81723", "email": "someone@example.org"},
            "product": {"id": "p-553", "name": "Kettle, 1.7 l"},
            "amount": "129.90",
            "currency": "EUR",
            "processing_flags": {"pii_contains": True},
        },
    }


def posts(
    tokens: list[str], name: str, size: int | None = None, *, now: bool = False
) -> Callable[[int], bytes]:
    """Requests by number, of the tenants in turn: one event each, called <name>-<number>, or `size` events in bulk, called
    <name>-<number>-<index>; of a fixed time, or of the time they are made. Nothing else differs, so that the client has
    next to nothing to do."""
    if size is None:
        path, text = "/events", json.dumps(event(_ID))
    else:
        path = "/events/bulk"
        text = json.dumps({"events": [event(f"{_ID}-{index}") for index in range(size)]})
    pieces = text.encode().split(_ID.encode())

    def request(number: int) -> bytes:
        body = f"{name}-{number}".encode().join(pieces)
        if now:
            body = body.replace(_TIMESTAMP, dt.datetime.now(dt.UTC).isoformat().encode())
        return post(path, tokens[number % len(tokens)], body)

    return request


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


def run(
    seconds: float = 10.0,
    bulk_size: int = 1_000,
    bulk_connections: int = 4,
    single_connections: int = 64,
    tenants: int = 100,
) -> dict[str, Any]:
    """Bulk, then single, so many seconds each; and whether every acknowledged event landed exactly once."""
    acknowledged: list[str] = []
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        home = Path(folder)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with serving(home, tenants) as (port, tokens, _):
            bulk = Load(
                posts(tokens, "bulk", bulk_size),
                bulk_connections,
                seconds,
                answered=lambda number, *_: acknowledged.extend(
                    f"bulk-{number}-{index}" for index in range(bulk_size)
                ),
            )
            single = Load(
                posts(tokens, "single"),
                single_connections,
                seconds,
                answered=lambda number, *_: acknowledged.append(f"single-{number}"),
            )
            for load in (bulk, single):
                uvloop.run(load.drive(port))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        landed = landed_ids(home)
        files = len(list((home / "landing").rglob("*.csv")))
    return {
        "bulk": {**events_figures(bulk, bulk_size), "connections": bulk_connections},
        "single": {**events_figures(single, 1), "connections": single_connections},
        "tenants": tenants,
        "landing_files": files,
        "acknowledged": len(acknowledged),
        "landed_exactly_once": all(landed[name] == 1 for name in acknowledged),
        "server_cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
    }


def events_figures(load: Load, size: int) -> dict[str, Any]:
    """The figures of a load whose requests bring so many events each."""
    events = round(len(load.latencies) * size / load.took)
    return {"events_per_second": events, "events_per_request": size, **load.figures()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as JSON; 1 where an acknowledged event did not land exactly once."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench ingest", description="Measure scripts/ingest over loopback."
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each of the two loads")
    parser.add_argument("--bulk-size", type=how_many, default=1_000, help="events per bulk request")
    options = parser.parse_args(arguments)
    figures = run(seconds=options.seconds, bulk_size=options.bulk_size)
    print(json.dumps(figures, indent=2))
    return 0 if figures["landed_exactly_once"] else 1


if __name__ == "__main__":
    sys.exit(main())

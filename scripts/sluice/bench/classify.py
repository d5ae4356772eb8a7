"""How fast transactions are classified: a million against a service that takes 1 ms per batch, 10,000
against ours, and 10,000 from landing file to published table, beyond a build with nothing new.

The bare service is a socket and a dict lookup, so that what is measured is the client.
"""

import argparse
import asyncio
import json
import os
import re
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from sluice.bench.arguments import how_many
from sluice.categories import CATEGORIES
from sluice.classify import Settings, classify_table
from sluice.home import PROJECT_ROOT

BARE_SECONDS = 0.001
FIRST_DAY = 1_767_225_600_000_000


def transactions(rows: int) -> pa.Table:
    """A plausible table of transactions, the same each time."""
    number = pa.array(range(rows), pa.int64())
    text = number.cast(pa.string())
    return pa.table(
        {
            "id": pc.binary_join_element_wise("txn", text, "-"),
            "description": pc.binary_join_element_wise("card purchase", text, " "),
            "amount": pc.divide(number.cast(pa.float64()), 100.0),
            "timestamp": pc.add(pc.multiply(number, 1_000_000), FIRST_DAY).cast(pa.timestamp("us")),
            "merchant": pc.binary_join_element_wise("shop", text, " "),
            "operation_type": pa.repeat("card_payment", rows),
            "side": pa.repeat("debit", rows),
        }
    )


class _Bare(asyncio.Protocol):
    """As little HTTP as a client needs."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._got = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", self._got[: max(head, 0)])
        if head < 0 or length is None or len(self._got) < (end := head + 4 + int(length[1])):
            return
        body = bytes(self._got[head + 4 : end])
        del self._got[:end]
        asyncio.get_running_loop().call_later(self._seconds, self._answer, body)

    def _answer(self, body: bytes) -> None:
        ids = [item["id"] for item in orjson.loads(body)]
        answer = orjson.dumps([{"id": i, "category": CATEGORIES[hash(i) % len(CATEGORIES)]} for i in ids])
        assert self._transport is not None
        head = f"HTTP/1.1 200 OK\r\nX-Model-Version: bare\r\nContent-Length: {len(answer)}\r\n\r\n"
        self._transport.write(head.encode() + answer)


async def _serve_bare(seconds: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Bare(seconds), "127.0.0.1", 0)
    print(f"bare: http://127.0.0.1:{server.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)
    await server.serve_forever()


@contextmanager
def service(*command: str) -> Iterator[str]:
    """A service in a process of its own, which prints its address; stopped at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"http://\S+", said)
        if found is None:
            raise RuntimeError(f"{command[0]} did not start: {said}{process.stderr.read()}")
        yield found.group()
    finally:
        process.terminate()
        process.wait()


def measure(rows: int, url: str, settings: Settings) -> dict[str, Any]:
    """Classify `rows` transactions at `url`."""
    table = transactions(rows)
    before = time.perf_counter()
    result = classify_table(table, url, settings)
    seconds = time.perf_counter() - before
    classified = pc.sum(pc.equal(result["status"], "classified")).as_py() or 0
    return {
        "rows": rows,
        "classified": classified,
        "seconds": round(seconds, 2),
        "rows_per_second": round(rows / seconds),
    }


def build(home: Path, **environment: str) -> float:
    """Seconds of one `dbt build` in a process of its own. RuntimeError when it fails."""
    command = [sys.executable, "-m", "dbt.cli.main", "--quiet", "build", "--project-dir", str(PROJECT_ROOT)]
    command += ["--profiles-dir", str(PROJECT_ROOT), "--target-path", str(home / "target")]
    settings = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    before = time.perf_counter()
    done = subprocess.run(
        [*command, "--log-path", str(home / "target")],
        env={**settings, **environment, "SLUICE_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"dbt build failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - before


def measure_builds(rows: int, url: str) -> dict[str, Any]:
    """Land `rows` transactions and build until they are published with categories; what that takes beyond a
    build with nothing new."""
    with TemporaryDirectory(prefix="sluice-bench-") as folder:
        home = Path(folder)
        build(home)
        idle = min(build(home, SLUICE_PREDICT_URL=url) for _ in range(2))
        landing = home / "landing" / "transactions" / "ingest_date=2026-01-01"
        landing.mkdir(parents=True)
        csv.write_csv(transactions(rows), landing / "transactions.csv")
        seconds = build(home, SLUICE_PREDICT_URL=url)
        with closing(sqlite3.connect(home / "published" / "sluice.db")) as published:
            counted = "select count(*) from transactions where category_status = 'classified'"
            classified = published.execute(counted).fetchone()[0]
    return {
        "rows": rows,
        "classified": classified,
        "idle_build_seconds": round(idle, 2),
        "build_seconds": round(seconds, 2),
        "seconds_beyond_idle": round(seconds - idle, 2),
    }


def run(rows: int = 1_000_000, batch_size: int = 500, in_flight: int = 4) -> dict[str, Any]:
    """All measurements, with the peak memory of this process in MB."""
    settings = Settings(batch_size=batch_size, in_flight=in_flight)
    with service("sluice.bench.classify", "--serve-bare", str(BARE_SECONDS)) as url:
        bare = measure(rows, url, settings)
    with service("sluice.predict_service", "--port", "0") as url:
        own = measure(min(rows, 10_000), url, settings)
        built = measure_builds(min(rows, 10_000), url)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10))
    return {
        "service_of_1_ms_per_batch": bare,
        "predict_service": own,
        "end_to_end": built,
        "peak_mb": peak_mb,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: prints the measurements as JSON."""
    command = argparse.ArgumentParser(prog="scripts/bench classify", description=__doc__)
    command.add_argument(
        "--rows", type=how_many, default=1_000_000, help="transactions (default: %(default)s)"
    )
    command.add_argument(
        "--batch-size", type=how_many, default=500, help="per request (default: %(default)s)"
    )
    command.add_argument(
        "--in-flight", type=how_many, default=4, help="requests at once (default: %(default)s)"
    )
    command.add_argument("--serve-bare", type=float, metavar="SECONDS", help=argparse.SUPPRESS)
    options = command.parse_args(arguments)
    if options.serve_bare is not None:
        asyncio.run(_serve_bare(options.serve_bare))
        return 0
    print(json.dumps(run(options.rows, options.batch_size, options.in_flight), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

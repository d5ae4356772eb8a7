"""How fast `/metrics` answers: one service and one hour out of a million metric rows, several connections."""

import argparse
import asyncio
import datetime as dt
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sluice.bench.arguments import how_many
from sluice.bench.load import Load, get
from sluice.bench.running import cpu_seconds
from sluice.home import PROJECT_ROOT

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SERVICES = 20
ROWS_WANTED = 60


def _metric_rows(rows: int) -> Iterator[tuple[Any, ...]]:
    minutes = rows // SERVICES
    stamps = [(START + dt.timedelta(minutes=n)).strftime("%Y-%m-%dT%H:%M:%SZ") for n in range(minutes)]
    for service in range(SERVICES):
        for number, stamp in enumerate(stamps):
            yield (
                f"service-{service:02}",
                stamp,
                60,
                58,
                20.5,
                18.25,
                90.125,
                140.5,
                60,
                number % 4,
                number % 4 / 60,
            )


def make_home(home: Path, rows: int) -> None:
    """A sluice.db with so many rows per minute, as the publisher writes it."""
    published = home / "published"
    published.mkdir(parents=True)
    connection = sqlite3.connect(published / "sluice.db")
    connection.executescript(
        "pragma journal_mode = wal; pragma synchronous = off;"
        "create table _build (build_id text, published_at text, contract_version text);"
        "insert into _build values ('bench', '2026-02-01T00:00:00.000000Z', '1');"
        "create table service_metrics_per_minute (service text, minute text, request_count integer,"
        " latency_count integer, avg_latency_ms real, p50_latency_ms real, p95_latency_ms real,"
        " p99_latency_ms real, status_count integer, error_count integer, error_rate real,"
        " primary key (service, minute));"
    )
    with connection:
        marks = ", ".join("?" * 11)
        connection.executemany(f"insert into service_metrics_per_minute values ({marks})", _metric_rows(rows))
    connection.close()
    (home / "target").mkdir()
    (home / "target" / "manifest.json").write_text("{}", encoding="utf-8")


def _load(paths: list[str], connections: int, seconds: float) -> Load:
    """Clients that ask again as soon as they have their answer."""

    def check(number: int, due_at: float, body: bytes) -> None:
        if body.count(b'"minute"') != ROWS_WANTED:
            raise RuntimeError(f"unexpected answer: {body[:200]!r}")

    chooser = random.Random(1)
    return Load(lambda number: get(chooser.choice(paths)), connections, seconds, answered=check)


def run(rows: int = 1_000_000, connections: int = 8, seconds: float = 10.0) -> dict[str, Any]:
    """Serve a temporary home and measure it."""
    minutes = rows // SERVICES
    paths = []
    for hour in range(0, minutes - 60, max(60, minutes // 200 // 60 * 60)):
        since = START + dt.timedelta(minutes=hour)
        until = since + dt.timedelta(hours=1)
        span = f"from={since:%Y-%m-%dT%H:%M:%SZ}&to={until:%Y-%m-%dT%H:%M:%SZ}"
        paths.append(f"/metrics?service=service-{hour % SERVICES:02}&{span}")
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        home = Path(folder)
        make_home(home, rows)
        environment = {name: text for name, text in os.environ.items() if not name.startswith("SLUICE_")}
        environment |= {"SLUICE_HOME": folder, "DBT_TARGET_PATH": str(home / "target")}
        command = [str(PROJECT_ROOT / "scripts" / "serve"), "--port", "0"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline() if process.stdout else ""
            address = re.search(r"http://[^/\s]+", line)
            if not address:
                raise RuntimeError(f"scripts/serve did not start: {line}")
            port = int(address[0].rpartition(":")[2])
            asyncio.run(_load(paths, 1, 1.0).drive(port))
            cpu = cpu_seconds(process)
            load = asyncio.run(_load(paths, connections, seconds).drive(port))
            cpu = cpu_seconds(process) - cpu
        finally:
            process.terminate()
            process.wait(timeout=20)
    if load.refused:
        raise RuntimeError(f"requests were refused: {dict(load.refused)}")
    cpu_ms = round(1000 * cpu / len(load.latencies), 2)
    return {
        "metric_rows": rows,
        "connections": connections,
        "seconds": seconds,
        **load.figures(),
        "server_cpu_ms_per_request": cpu_ms,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench http", description="Measure /metrics over HTTP on a temporary home."
    )
    parser.add_argument("--rows", type=how_many, default=1_000_000, help="metric rows (default: %(default)s)")
    parser.add_argument(
        "--connections", type=how_many, default=8, help="concurrent clients (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="how long (default: %(default)s)")
    options = parser.parse_args(arguments)
    print(json.dumps(run(options.rows, options.connections, options.seconds), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Many tenants at once: what is posted, how soon it can be read, and how fast reading stays while builds run.

A history of events is landed and built. Then scripts/ingest, scripts/watch and scripts/serve run beside each other, and so
many seconds each
  fresh   events arrive at a steady rate, tenant after tenant. Of some tenants /metrics is asked again and again: an event is
          visible once as many are counted as were posted up to it. Beside it /metrics and /events of all are read
  single  single events arrive on 64 connections
  bulk    a thousand events a request arrive
with builds all the time. At the end every acknowledged event must be counted by /metrics.
"""

import argparse
import asyncio
import datetime as dt
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import uvloop

from sluice.bench.arguments import how_many
from sluice.bench.freshness import summary
from sluice.bench.ingest import events_figures, posts, serving
from sluice.bench.load import Connection, Load, get
from sluice.bench.process import dbt
from sluice.bench.running import PATIENCE_SECONDS, cpu_seconds, peak_mib, running, wait_for, wait_for_text
from sluice.home import PROJECT_ROOT
from sluice.streams.brokers import free_port

HISTORY = Path(__file__).with_name("tenants_history.sql").read_text(encoding="utf-8")
HISTORY_DAYS = 10
FRESH_EVENTS, BULK_EVENTS = 20, 1_000
"""Events per request of each load."""
WATCHED_TENANTS = 5
ASK_SECONDS = 0.25
READS_A_SECOND = 20.0
"""Of /metrics, and as many of /events."""


def write_history(landing: Path, events: int, tenants: int) -> None:
    """Events of the last days before today, as many each day."""
    per_day, today = events // HISTORY_DAYS, dt.datetime.now(dt.UTC).date()
    with closing(duckdb.connect()) as db:
        for number in range(HISTORY_DAYS):
            day = today - dt.timedelta(days=HISTORY_DAYS - number)
            query = HISTORY
            for name, value in (
                ("day", day),
                ("first", number * per_day),
                ("last", (number + 1) * per_day),
                ("tenants", tenants),
            ):
                query = query.replace(f"${name}", str(value))
            folder = landing / "tenant_events" / f"ingest_date={day}"
            folder.mkdir(parents=True)
            db.execute(f"copy ({query}) to '{folder / 'past.csv'}' (header)")


@dataclass
class Watched:
    """One tenant's /metrics, asked again and again."""

    path: str
    token: str
    posted_at: list[float] = field(default_factory=list)
    """Unix times of its requests, FRESH_EVENTS each, in order."""
    ages: list[float] = field(default_factory=list)
    """Seconds from the request to its being visible, of those that are, in order."""

    async def ask(self, connection: Connection) -> int:
        """How many events are counted now."""
        status, body = await connection.ask(get(self.path, self.token))
        if status != 200:
            raise RuntimeError(f"{self.path} answered {status}: {body[:200]!r}")
        return sum(row["event_count"] for row in json.loads(body)["rows"])

    async def follow(self, port: int, end: float) -> None:
        """Until everything posted before `end` (Unix time) is visible, or for PATIENCE_SECONDS more."""
        connection = await Connection.to(port)
        while time.time() < end or len(self.ages) < len(self.posted_at):
            if time.time() > end + PATIENCE_SECONDS:
                break
            visible, now = await self.ask(connection) // FRESH_EVENTS, time.time()
            self.ages += [now - posted for posted in self.posted_at[len(self.ages) : visible]]
            await asyncio.sleep(ASK_SECONDS)
        connection.close()


@dataclass
class Services:
    """Where the commands under test listen."""

    ingest_port: int
    serve_port: int
    tokens: list[str]
    since: str
    """The minute before anything is posted, as /metrics takes it."""

    def metrics(self, tenant: int) -> str:
        """The path of a tenant's metrics of this run."""
        return f"/metrics?tenant_id=tenant-{tenant}&from={self.since}&limit=10000"


async def fresh(services: Services, rate: float, seconds: float) -> dict[str, Any]:
    """Post at this rate, watch some tenants, read the others. Returns figures; acknowledged is in events."""
    tokens = services.tokens
    watched = {
        tenant: Watched(services.metrics(tenant), tokens[tenant])
        for tenant in range(0, len(tokens), max(1, len(tokens) // WATCHED_TENANTS))
    }

    def note(number: int, due_at: float, body: bytes) -> None:
        if one := watched.get(number % len(tokens)):
            one.posted_at.append(due_at)

    request = posts(tokens, "fresh", FRESH_EVENTS, now=True)
    load = Load(request, 8, seconds, rate / FRESH_EVENTS, answered=note)
    chooser = random.Random(1)

    def read(path: str) -> Load:
        def request(number: int) -> bytes:
            tenant = chooser.randrange(len(tokens))
            return get(path.replace("$tenant", f"tenant-{tenant}"), tokens[tenant])

        return Load(request, 4, seconds, READS_A_SECOND)

    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    metrics = read(f"/metrics?tenant_id=$tenant&bucket_size=hour&from={yesterday:%Y-%m-%dT%H:%M:%SZ}")
    events = read(f"/events?tenant_id=$tenant&from={services.since}")
    end = time.time() + seconds
    await asyncio.gather(
        load.drive(services.ingest_port),
        metrics.drive(services.serve_port),
        events.drive(services.serve_port),
        *(one.follow(services.serve_port, end) for one in watched.values()),
    )
    pairs = [pair for one in watched.values() for pair in zip(one.posted_at, one.ages, strict=False)]
    return {
        "posts": events_figures(load, FRESH_EVENTS),
        "visible": {
            "asked_for": sum(len(one.posted_at) for one in watched.values()),
            "never_came": sum(len(one.posted_at) - len(one.ages) for one in watched.values()),
            **summary([age for _, age in sorted(pairs)]),
        },
        "metrics": metrics.figures(),
        "events": events.figures(),
    }


async def arrive(
    services: Services, size: int, connections: int, rate: float, seconds: float
) -> dict[str, Any]:
    """Events at this rate, `size` a request."""
    request = posts(services.tokens, f"by-{size}", size if size > 1 else None, now=True)
    load = Load(request, connections, seconds, rate / size)
    return events_figures(await load.drive(services.ingest_port), size)


async def count_visible(services: Services, expected: int) -> int:
    """The events of this run that /metrics counts, once they are as many as expected or patience ends."""
    connection, found = await Connection.to(services.serve_port), 0
    everybody = [Watched(services.metrics(number), token) for number, token in enumerate(services.tokens)]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while found < expected and time.monotonic() < deadline:
        await asyncio.sleep(1)
        found = sum([await one.ask(connection) for one in everybody])
    connection.close()
    return found


@contextmanager
def started(home: Path, tenants: int) -> Iterator[tuple[Services, dict[str, subprocess.Popen[bytes]]]]:
    """scripts/ingest, scripts/watch and scripts/serve on a home: where they listen, and the processes."""
    port = free_port()
    with serving(home, tenants) as (ingest_port, tokens, ingest):
        environment = os.environ | {
            "SLUICE_HOME": str(home),
            "SLUICE_TOKENS_FILE": str(home / "tokens.yml"),
            "DBT_TARGET_PATH": str(home.parent / "target"),
        }
        environment.pop("SLUICE_LANDING", None)
        scripts = PROJECT_ROOT / "scripts"
        watching = running([str(scripts / "watch")], environment, home / "watch.log")
        reading = running([str(scripts / "serve"), "--port", str(port)], environment, home / "serve.log")
        with watching as watch, reading as serve:
            wait_for(f"http://127.0.0.1:{port}/ready", "scripts/serve")
            wait_for_text(home / "watch.log", "everything:", "scripts/watch")
            since = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:00Z}"
            yield (
                Services(ingest_port, port, tokens, since),
                {"ingest": ingest, "watch": watch, "serve": serve},
            )


def run(home: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Every measurement, on a home that is made for it."""
    tell(f"writing {options.history:,} events of {options.tenants} tenants")
    write_history(home / "landing", options.history, options.tenants)
    tell("building them")
    build = dbt(home, "build")
    figures: dict[str, Any] = {
        "tenants": options.tenants,
        "history": options.history,
        "first_build_seconds": round(build.wall_s, 1),
    }
    with started(home, options.tenants) as (found, processes):
        tell("new events")
        figures["fresh"] = uvloop.run(fresh(found, options.rate, options.seconds))
        figures["single"] = uvloop.run(arrive(found, 1, 64, options.single_rate, options.load_seconds))
        figures["bulk"] = uvloop.run(arrive(found, BULK_EVENTS, 4, options.bulk_rate, options.load_seconds))
        loads = (figures["fresh"]["posts"], figures["single"], figures["bulk"])
        acknowledged = sum(load["requests"] * load["events_per_request"] for load in loads)
        tell("waiting for the last of them")
        figures |= {
            "acknowledged": acknowledged,
            "visible": uvloop.run(count_visible(found, acknowledged)),
            "peak_mib": {name: peak_mib(process) for name, process in processes.items()},
            "cpu_seconds": {name: round(cpu_seconds(process), 1) for name, process in processes.items()},
        }
    return figures


def tell(what: str) -> None:
    """What goes on, for those who wait."""
    print(f"scripts/bench tenants: {what}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as JSON; 1 where an acknowledged event is not counted once."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench tenants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, default, what in (
        ("tenants", 100, "how many"),
        ("history", 10_000_000, "events landed and built before"),
        ("rate", 2_000, "new events a second"),
        ("seconds", 300, "for so long"),
        ("single-rate", 1_800, "single events a second"),
        ("bulk-rate", 24_000, "events a second in bulk"),
        ("load-seconds", 30, "for so long, single and bulk each"),
    ):
        parser.add_argument(
            f"--{name}", type=how_many, default=default, help=f"{what} (default: %(default)s)"
        )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        try:
            figures = run(Path(folder) / "home", options)
        except RuntimeError as error:
            print(f"scripts/bench tenants: {error}", file=sys.stderr)
            return 1
    print(json.dumps(figures, indent=2))
    return 0 if figures["visible"] == figures["acknowledged"] else 1

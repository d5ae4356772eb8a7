"""How fast topics land, with the broker on this machine: catching up with a full topic, keeping up with a steady one, and
from produce to queryable over HTTP, with scripts/watch and scripts/serve."""

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sluice.bench.arguments import how_many
from sluice.bench.running import cpu_seconds, peak_mib
from sluice.home import PROJECT_ROOT
from sluice.streams.artifacts import NoBrokerError
from sluice.streams.brokers import Broker, free_port

FEED = "service_events"


class Commands:
    """The stream commands against one broker and one data home."""

    def __init__(self, broker: Broker, home: Path) -> None:
        where = "--bootstrap-servers" if broker.kind == "kafka" else "--service-url"
        self._broker = [broker.kind, where, broker.address]
        self.environment = os.environ | {
            "SLUICE_HOME": str(home),
            "PYTHONPATH": str(PROJECT_ROOT / "scripts"),
        }
        self.environment.pop("SLUICE_LANDING", None)
        self._log = (home / "log").open("ab")

    def start(self, module: str, topic: str, *more: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            f"sluice.streams.{module}",
            *self._broker,
            "--topic",
            topic,
            "--feed",
            FEED,
        ]
        return subprocess.Popen(
            [*command, *more], env=self.environment, stdout=subprocess.DEVNULL, stderr=self._log
        )

    def close(self) -> None:
        self._log.close()


def _files(home: Path) -> list[Path]:
    return sorted((home / "landing" / FEED).glob("ingest_date=*/*.csv"))


@cache
def _records(path: Path) -> int:
    """Records of a landed file, which never changes: generated events hold no line breaks."""
    return path.read_bytes().count(b"\n") - 1


def _count(home: Path) -> int:
    """Records in landing."""
    return sum(map(_records, _files(home)))


def catch_up(broker: Broker, home: Path, events: int) -> dict[str, Any]:
    """Fill a topic, then land it: events a second from the start of the process to the last file."""
    commands = Commands(broker, home)
    if commands.start("produce", "bench-full", "--count", str(events), "--fixed-times").wait():
        raise RuntimeError(f"the producer failed; see {home / 'log'}")
    started = time.time()
    consumer = commands.start("consume", "bench-full", "--log-level", "warning")
    peak = 0.0
    while _count(home) < events:
        time.sleep(0.25)
        peak = max(peak, peak_mib(consumer))
        if consumer.poll() is not None or time.time() - started > 600:
            raise RuntimeError(f"the consumer stopped or stalled; see {home / 'log'}")
    landed = max(path.stat().st_mtime for path in _files(home))
    cpu = cpu_seconds(consumer)
    consumer.send_signal(signal.SIGTERM)
    consumer.wait()
    commands.close()
    return {
        "events": events,
        "seconds_with_start": round(landed - started, 2),
        "events_per_second_with_start": round(events / (landed - started)),
        "cpu_seconds": cpu,
        "cpu_seconds_per_million": round(cpu / events * 1e6, 2),
        "peak_mib": peak,
    }


def keep_up(broker: Broker, home: Path, rate: int, seconds: int) -> dict[str, Any]:
    """A steady producer: how old events are when their file has landed."""
    commands = Commands(broker, home)
    consumer = commands.start("consume", "bench-steady", "--log-level", "warning")
    time.sleep(5)
    total = rate * seconds
    producer = commands.start("produce", "bench-steady", "--rate", str(rate), "--count", str(total))
    producer.wait()
    produced = time.time()
    while _count(home) < total and time.time() - produced < 60:
        time.sleep(0.1)
    behind = max(path.stat().st_mtime for path in _files(home)) - produced
    peak = peak_mib(consumer)
    consumer.send_signal(signal.SIGTERM)
    consumer.wait()
    commands.close()
    ages = []
    for path in _files(home):
        modified = path.stat().st_mtime
        with path.open(newline="") as handle:
            ages += [modified - int(row["_broker_timestamp"]) / 1000 for row in csv.DictReader(handle)]
    ages.sort()
    return {
        "rate": rate,
        "seconds": seconds,
        "landed": len(ages),
        "p50_seconds": round(ages[len(ages) // 2], 3),
        "p95_seconds": round(ages[int(len(ages) * 0.95)], 3),
        "seconds_behind_at_end": round(behind, 2),
        "files": len(_files(home)),
        "peak_mib": peak,
    }


def run(
    kinds: Sequence[str], what: Sequence[str], events: int, rate: int, seconds: int
) -> dict[str, dict[str, Any]]:
    """The measurements, for each kind of broker, each with a data home of its own."""
    from sluice.bench.freshness import freshness

    measurements: dict[str, Callable[[Broker, Path], dict[str, Any]]] = {
        "catch_up": lambda broker, home: catch_up(broker, home, events),
        "keep_up": lambda broker, home: keep_up(broker, home, rate, seconds),
        "fresh": lambda broker, home: freshness(broker, home, rate, seconds),
    }
    results: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        with tempfile.TemporaryDirectory() as scratch:
            broker = Broker(kind, Path(scratch) / "broker", free_port(), free_port())
            broker.start()
            try:
                for name in what:
                    home = Path(scratch) / name
                    home.mkdir()
                    print(f"{kind}: {name}", file=sys.stderr)
                    results.setdefault(kind, {})[name] = measurements[name](broker, home)
            finally:
                broker.stop()
    return results


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; JSON on standard output."""
    cli = argparse.ArgumentParser(prog="scripts/bench streams", description=__doc__)
    cli.add_argument("--broker", choices=["kafka", "pulsar"], nargs="+", default=["kafka", "pulsar"])
    cli.add_argument(
        "--only",
        choices=["catch_up", "keep_up", "fresh"],
        nargs="+",
        default=["catch_up", "fresh"],
        help="which to measure; keep_up is fresh without the build (default: catch_up fresh)",
    )
    cli.add_argument(
        "--events", type=how_many, default=1_000_000, help="catching up with so many (default: %(default)s)"
    )
    cli.add_argument(
        "--rate", type=how_many, default=10_000, help="events a second to keep up with (default: %(default)s)"
    )
    cli.add_argument("--seconds", type=how_many, default=300, help="for so long (default: %(default)s)")
    options = cli.parse_args(argv)
    try:
        found = run(options.broker, options.only, options.events, options.rate, options.seconds)
    except (NoBrokerError, RuntimeError) as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How fast topics land: catching up with a full topic, keeping up with a steady one, broker on this machine.

Freshness here is from the broker's timestamp to the landed file's modification time; the build comes on top.
"""

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from sluice.home import PROJECT_ROOT
from sluice.streams.brokers import Broker, free_port

_FEED = "service_events"


class _Commands:
    """The stream commands against one broker and one data home."""

    def __init__(self, broker: Broker, home: Path) -> None:
        where = "--bootstrap-servers" if broker.kind == "kafka" else "--service-url"
        self._broker = [broker.kind, where, broker.address]
        self._environment = os.environ | {
            "SLUICE_HOME": str(home),
            "PYTHONPATH": str(PROJECT_ROOT / "scripts"),
        }
        self._environment.pop("SLUICE_LANDING", None)
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
            _FEED,
        ]
        return subprocess.Popen(
            [*command, *more], env=self._environment, stdout=subprocess.DEVNULL, stderr=self._log
        )

    def close(self) -> None:
        self._log.close()


def _files(home: Path) -> list[Path]:
    return sorted((home / "landing" / _FEED).glob("ingest_date=*/*.csv"))


@cache
def _records(path: Path) -> int:
    """Records of a landed file, which never changes: generated events hold no line breaks."""
    return path.read_bytes().count(b"\n") - 1


def _count(home: Path) -> int:
    """Records in landing."""
    return sum(map(_records, _files(home)))


def _peak_mib(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def catch_up(broker: Broker, home: Path, events: int) -> dict[str, Any]:
    """Fill a topic, then land it: events a second from the start of the process to the last file."""
    commands = _Commands(broker, home)
    if commands.start("produce", "bench-full", "--count", str(events), "--fixed-times").wait():
        raise RuntimeError(f"the producer failed; see {home / 'log'}")
    started = time.time()
    consumer = commands.start("consume", "bench-full", "--log-level", "warning")
    peak = 0.0
    while _count(home) < events:
        time.sleep(0.25)
        peak = max(peak, _peak_mib(consumer))
        if consumer.poll() is not None or time.time() - started > 600:
            raise RuntimeError(f"the consumer stopped or stalled; see {home / 'log'}")
    landed = max(path.stat().st_mtime for path in _files(home))
    cpu = [
        int(part) for part in Path(f"/proc/{consumer.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    ]
    consumer.send_signal(signal.SIGTERM)
    consumer.wait()
    commands.close()
    return {
        "events": events,
        "seconds_with_start": round(landed - started, 2),
        "events_per_second_with_start": round(events / (landed - started)),
        "cpu_seconds": sum(cpu) / os.sysconf("SC_CLK_TCK"),
        "peak_mib": round(peak, 1),
    }


def keep_up(broker: Broker, home: Path, rate: int, seconds: int) -> dict[str, Any]:
    """A steady producer: how old events are when their file has landed."""
    commands = _Commands(broker, home)
    consumer = commands.start("consume", "bench-steady", "--log-level", "warning")
    time.sleep(5)
    total = rate * seconds
    producer = commands.start("produce", "bench-steady", "--rate", str(rate), "--count", str(total))
    producer.wait()
    produced = time.time()
    while _count(home) < total and time.time() - produced < 60:
        time.sleep(0.1)
    behind = max(path.stat().st_mtime for path in _files(home)) - produced
    peak = _peak_mib(consumer)
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
        "peak_mib": round(peak, 1),
    }


def run(
    kinds: tuple[str, ...] = ("kafka", "pulsar"), events: int = 500_000, rate: int = 10_000, seconds: int = 30
) -> dict[str, Any]:
    """Both measurements for each kind of broker."""
    results: dict[str, Any] = {}
    for kind in kinds:
        with tempfile.TemporaryDirectory() as scratch:
            broker = Broker(kind, Path(scratch) / "broker", free_port(), free_port())
            broker.start()
            try:
                homes = [Path(scratch) / "full", Path(scratch) / "steady"]
                for home in homes:
                    home.mkdir()
                results[kind] = {
                    "catch_up": catch_up(broker, homes[0], events),
                    "keep_up": keep_up(broker, homes[1], rate, seconds),
                }
            finally:
                broker.stop()
    return results


def main() -> int:
    """Run from the command line; JSON on standard output."""
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("kinds", nargs="*", default=["kafka", "pulsar"], help="kafka, pulsar or both (default)")
    cli.add_argument("--events", type=int, default=500_000, help="catching up with so many (default: 500000)")
    cli.add_argument(
        "--rate", type=int, default=10_000, help="events a second to keep up with (default: 10000)"
    )
    cli.add_argument("--seconds", type=int, default=30, help="for so long (default: 30)")
    arguments = cli.parse_args()
    print(
        json.dumps(run(tuple(arguments.kinds), arguments.events, arguments.rate, arguments.seconds), indent=2)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

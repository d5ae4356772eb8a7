"""What the stream tests share: start and kill stream processes, read back what landed."""

import base64
import csv
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from sluice.home import PROJECT_ROOT

csv.field_size_limit(1 << 24)
PATIENCE_SECONDS = 400  # with anything that must happen in the end, on a machine however slow


class Landed:
    """The landing zone of one test, read back."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def files(self, feed: str) -> list[Path]:
        return sorted((self.home / "landing" / feed).glob("ingest_date=*/*.csv"))

    def wait_for_files(self, count: int, unless: Callable[[], bool]) -> None:
        """Wait until so many files have landed, or something else is the case."""
        wait_until(lambda: len(self.files("service_events")) >= count or unless(), "another file")

    def rows(self, feed: str) -> list[dict[str, str]]:
        found = []
        for path in self.files(feed):
            with path.open(newline="") as handle:
                found += csv.DictReader(handle)
        return found

    def ids(self, feed: str = "service_events") -> Counter[str]:
        column = {"customers": "customer_id", "orders": "order_id", "transactions": "id"}.get(
            feed, "event_id"
        )
        return Counter(row[column] for row in self.rows(feed))

    def undecoded(self, feed: str = "service_events") -> list[bytes]:
        return [
            base64.b64decode(row["_undecodable_base64"])
            for row in self.rows(feed)
            if row["_undecodable_base64"]
        ]


def assert_each_once(found: Counter[str], expected: set[str]) -> None:
    """Every expected id landed, none twice, nothing else."""
    missing = sorted(expected - set(found))
    surplus = sorted(set(found) - expected)
    repeated = sorted(name for name, count in found.items() if count > 1)
    problem = "; ".join(
        f"{what}: {len(found)} such as {found[:3]}"
        for what, found in (("missing", missing), ("surplus", surplus), ("repeated", repeated))
    )
    assert not (missing or surplus or repeated), problem


class Commands:
    """Runs scripts/stream and scripts/produce against one broker and one data home."""

    def __init__(
        self, kind: str, address: str, home: Path, admin_url: str | None = None, is_mock: bool = False
    ) -> None:
        self.kind = kind
        self.is_mock = is_mock
        self.home = home
        self.running: list[subprocess.Popen[bytes]] = []
        where = "--bootstrap-servers" if kind == "kafka" else "--service-url"
        self.broker = [kind, where, address]
        self.admin = ["--admin-url", admin_url] if admin_url else []
        self.environment = os.environ | {
            "SLUICE_HOME": str(home),
            "PYTHONPATH": str(PROJECT_ROOT / "scripts"),
        }
        self.environment.pop("SLUICE_LANDING", None)
        self.log = home / "log"

    def stream(self, topic: str, *more: str, feed: str = "service_events") -> subprocess.Popen[bytes]:
        """Start a consumer in the background."""
        command = [
            sys.executable,
            "-m",
            "sluice.streams.consume",
            *self.broker,
            "--topic",
            topic,
            "--feed",
            feed,
        ]
        with self.log.open("ab") as log:
            process = subprocess.Popen([*command, *self.admin, *more], env=self.environment, stderr=log)
        self.running.append(process)
        return process

    def drain(self, topic: str, *more: str, feed: str = "service_events", patience: float = 60) -> None:
        """Land everything there is and stop."""
        process = self.stream(topic, "--once", "--batch-seconds", "0.3", *more, feed=feed)
        assert process.wait(patience) == 0, self.log.read_text()[-3000:]

    def started(self, topic: str, *more: str, feed: str = "service_events") -> subprocess.Popen[bytes]:
        """Start a consumer and wait until it has its partitions."""
        before = lines_with(self.log, '"partitions assigned"')
        process = self.stream(topic, *more, feed=feed)
        wait_until(lambda: lines_with(self.log, '"partitions assigned"') > before, "partitions assigned")
        return process

    def produce(self, topic: str, *more: str, feed: str = "service_events") -> subprocess.Popen[bytes]:
        """Start a producer in the background."""
        command = [
            sys.executable,
            "-m",
            "sluice.streams.produce",
            *self.broker,
            "--topic",
            topic,
            "--feed",
            feed,
        ]
        process = subprocess.Popen([*command, *more], env=self.environment, stdout=subprocess.PIPE)
        self.running.append(process)
        return process

    def produced(self, topic: str, *more: str, feed: str = "service_events") -> None:
        """Produce and wait until all of it has arrived."""
        assert self.produce(topic, *more, feed=feed).wait(PATIENCE_SECONDS) == 0

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()


def create_kafka_topic(commands: Commands, topic: str, partitions: int = 2) -> None:
    """A topic of so many partitions; the mock cluster makes one of four when somebody asks for it."""
    address = {"bootstrap.servers": commands.broker[2]}
    if not commands.is_mock:
        client = AdminClient(address)  # its answers come while it lives
        client.create_topics([NewTopic(topic, partitions, 1)])[topic].result(20)
        return
    producer = Producer(address)
    unknown = KafkaError.UNKNOWN_TOPIC_OR_PART
    wait_until(lambda: (producer.list_topics(topic, 10).topics[topic].error or 0) != unknown, topic)


def lines_with(log: Path, text: str) -> int:
    """How many lines of a log hold this text."""
    return log.read_text().count(text) if log.exists() else 0


class Killer:
    """Ends things at random moments, and says what and when."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.started = time.monotonic()

    def wait(self, shortest: float, longest: float) -> None:
        time.sleep(self.random.uniform(shortest, longest))

    def report(self, what: str) -> None:
        print(f"{time.monotonic() - self.started:7.2f} s: {what}")

    def kill(self, process: subprocess.Popen[bytes], what: str) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.report(f"killed {what}, kill -9 of process {process.pid}")


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.1)

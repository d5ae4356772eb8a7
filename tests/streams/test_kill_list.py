"""Everything at once: consumers, builder and broker are killed at random moments under load, a consumer joins and
leaves in the middle of batches, clocks jump, files are cut short, messages come twice. In the end each message that
was produced is in exactly one of clean, duplicate and quarantine."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from stream_kit import (
    PATIENCE_SECONDS,
    Commands,
    Killer,
    Landed,
    assert_each_once,
    create_kafka_topic,
    lines_with,
    wait_until,
)

from sluice.home import PROJECT_ROOT
from sluice.streams.brokers import Broker

EVENTS = 24_000
SENT_TWICE = 1_500
RATE = 600
STRIKES = 12
JUMPING_CLOCK = """
import os, time
_now, _jump = time.time, float(os.environ["JUMP_SECONDS"])
time.time = lambda: _now() + _jump
"""


def write_source(path: Path) -> tuple[set[str], set[str]]:
    """The events to send, the first of them once more at the end; the ids that are clean, and those that are not."""
    clean, refused = set(), set()
    lines = ["event_id,service,event_type,timestamp,latency_ms"]
    for number in range(EVENTS):
        bad = number % 40 == 7
        (refused if bad else clean).add(f"e{number}")
        second, milli = divmod(number, 1000)
        at = "not-a-date" if bad else f"2026-01-01T00:00:{second:02}.{milli:03}Z"
        lines.append(f"e{number},shop,request,{at},{number % 900}")
    lines += lines[1 : SENT_TWICE + 1]
    path.write_text("\n".join(lines) + "\n")
    return clean, refused


class Scene:
    """The processes of one run, and what can be done to them."""

    def __init__(self, commands: Commands, broker: Broker | None, topic: str, killer: Killer) -> None:
        self.commands, self.broker, self.topic, self.killer = commands, broker, topic, killer
        self.consumers = [self.consumer(0.0)]
        self.builder = self.build()
        self.landed = Landed(commands.home)
        self.torn: list[str] = []

    def consumer(self, jump: float) -> subprocess.Popen[bytes]:
        self.commands.environment["JUMP_SECONDS"] = str(jump)
        return self.commands.stream(self.topic, "--batch-seconds", "0.5", *self.patience)

    @property
    def patience(self) -> list[str]:
        return ["--config", "session.timeout.ms=6000"] if self.commands.kind == "kafka" else []

    def build(self, *more: str) -> subprocess.Popen[bytes]:
        with (self.commands.home / "builds").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "sluice.watch", *more],
                cwd=PROJECT_ROOT,
                env=self.commands.environment | {"JUMP_SECONDS": "0"},
                stderr=log,
            )
        self.commands.running.append(process)
        return process

    def kill_consumer(self) -> None:
        victim = self.killer.random.randrange(len(self.consumers))
        self.killer.kill(self.consumers[victim], "a consumer")
        jump = self.killer.random.choice([0.0, -90_000.0, 90_000.0])
        self.consumers[victim] = self.consumer(jump)
        if jump:
            self.killer.report(f"the new consumer's clock jumps by {jump:+.0f} s")

    def kill_builder(self) -> None:
        self.killer.kill(self.builder, "the builder")
        self.builder = self.build()

    def kill_broker(self) -> None:
        if self.broker:
            self.broker.kill()
            self.killer.report(f"killed the broker ({self.broker.kind}), kill -9")
            self.broker.start()

    def rebalance(self) -> None:
        if len(self.consumers) == 1:
            self.consumers.append(self.consumer(0.0))
            self.killer.report("a second consumer joins")
        else:
            leaving = self.consumers.pop()
            stop(leaving)
            self.killer.report("the second consumer leaves")

    def cut_file_short(self) -> None:
        files = [path for path in self.landed.files("service_events") if path.name not in self.torn]
        if files:
            path = self.killer.random.choice(files)
            left = self.killer.random.randrange(path.stat().st_size)
            os.truncate(path, left)
            self.torn.append(path.name)
            self.killer.report(f"cut {path.name} to {left} bytes")

    def finish(self) -> None:
        """Land and build what is left, with clocks that are right."""
        for consumer in self.consumers:
            stop(consumer)
        self.commands.environment["JUMP_SECONDS"] = "0"
        self.commands.drain(self.topic, patience=240)
        stop(self.builder)
        assert self.build("--once").wait(PATIENCE_SECONDS) == 0, (self.commands.home / "builds").read_text()[
            -3000:
        ]


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, which it does with 0, or by the signal while it is still starting."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) in (0, -signal.SIGTERM)


def create_topic(commands: Commands, broker: Broker | None, topic: str) -> None:
    """A topic of two partitions."""
    if commands.kind == "kafka":
        create_kafka_topic(commands, topic)
        return
    assert broker
    url = f"{broker.admin_url}/admin/v2/persistent/public/default/{topic}/partitions"
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=b"2", headers=headers, method="PUT")
    urllib.request.urlopen(request, timeout=30).close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kafka", "pulsar"])
def test_every_message_is_in_exactly_one_place(kind: str, request: pytest.FixtureRequest) -> None:
    commands: Commands = request.getfixturevalue(kind)
    broker = request.getfixturevalue(f"real_{kind}")
    broker = broker if isinstance(broker, Broker) else None  # the mock cluster cannot be killed
    topic = f"events-{uuid.uuid4().hex[:8]}"
    clock = commands.home / "clock"
    clock.mkdir()
    (clock / "sitecustomize.py").write_text(JUMPING_CLOCK)
    commands.environment |= {
        "PYTHONPATH": f"{clock}{os.pathsep}{commands.environment['PYTHONPATH']}",
        "JUMP_SECONDS": "0",
    }
    clean, refused = write_source(commands.home / "source.csv")
    create_topic(commands, broker, topic)
    killer = Killer(seed=int(os.environ.get("SLUICE_KILL_SEED", "20")))
    print(f"seed {killer.seed}, {kind}{'' if broker else ' (a mock cluster)'}")
    scene = Scene(commands, broker, topic, killer)
    source = ["--from", str(commands.home / "source.csv"), "--rate", str(RATE)]
    producer = commands.produce(topic, *source)
    wait_until(lambda: scene.landed.files("service_events"), "landing under way")
    strikes = [
        scene.kill_consumer,
        scene.kill_builder,
        scene.kill_broker,
        scene.rebalance,
        scene.cut_file_short,
    ]
    for strike in itertools.islice(rounds(strikes, killer), STRIKES):
        killer.wait(1.0, 5.0)
        strike()
        if producer.poll() is not None:
            break
    assert producer.wait(PATIENCE_SECONDS) == 0
    scene.finish()

    gaps = commands.home / "streams" / "gaps.jsonl"
    assert not gaps.exists(), gaps.read_text()
    landed = [row["event_id"] for row in scene.landed.rows("service_events")]
    sent_again = len(landed) - EVENTS - SENT_TWICE
    assert sent_again >= 0 and (kind == "pulsar" or sent_again == 0), "each message landed once"
    positions = Counter((row["_partition"], row["_offset"]) for row in scene.landed.rows("service_events"))
    assert max(positions.values()) == 1, "no message landed twice"
    with duckdb.connect(str(commands.home / "warehouse.duckdb"), read_only=True) as warehouse:
        found = Counter(
            name for (name,) in warehouse.execute("select event_id from service_events").fetchall()
        )
        assert_each_once(found, clean)
        quarantined = warehouse.execute(
            "select raw_record ->> 'event_id', cast(reject_reasons as varchar[]) from quarantine"
        ).fetchall()
        assert Counter(name for name, _ in quarantined) == Counter(name for name in landed if name in refused)
        assert all(reasons == ["invalid_timestamp"] for _, reasons in quarantined)
        [counts] = warehouse.execute(
            "select sum(records_read), sum(clean_count), sum(duplicate_count), sum(quarantined_count)"
            " from file_loads where records_read is not null and status != 'superseded'"
        ).fetchall()
    assert counts == (len(landed), len(clean), len(landed) - len(clean) - len(quarantined), len(quarantined))
    print(f"read {counts[0]} = {counts[1]} clean + {counts[2]} duplicates + {counts[3]} quarantined")
    if sent_again:
        print(f"sent again by the producer after the broker's death: {sent_again}")


def rounds(strikes: list[Callable[[], None]], killer: Killer) -> Iterator[Callable[[], None]]:
    """Each strike once, in random order, over and over."""
    while True:
        yield from killer.random.sample(strikes, len(strikes))


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[None]:
    """A file system of this size at the folder, or the test is skipped."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small file system; test_exactly_once.py fills a disk of its own making")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_stops_landing_and_loses_nothing(kafka: Commands, tmp_path: Path) -> None:
    topic = f"events-{uuid.uuid4().hex[:8]}"
    create_topic(kafka, None, topic)
    with small_disk(tmp_path / "landing", mib=8):
        balloon = tmp_path / "landing" / ".balloon"
        consumer = kafka.started(topic, "--batch-seconds", "0.2", "--min-free-mib", "0")
        producer = kafka.produce(topic, "--count", "20000", "--rate", "4000")
        landed = Landed(tmp_path)
        wait_until(lambda: landed.files("service_events"), "landing under way")
        with balloon.open("wb", buffering=0) as handle, pytest.raises(OSError, match="No space left"):
            while True:
                handle.write(bytes(1 << 12))
        wait_until(lambda: lines_with(kafka.log, '"cause": "disk"'), "the disk is found full")
        print("full: the disk of the landing zone")
        assert not list(tmp_path.rglob("*.part")), "nothing half-written is left behind"
        time.sleep(2)
        balloon.unlink()
        assert producer.wait(PATIENCE_SECONDS) == 0
        wait_until(lambda: sum(landed.ids().values()) >= 20_000, "everything landed")
        consumer.send_signal(signal.SIGTERM)
        assert consumer.wait(PATIENCE_SECONDS) == 0
        assert_each_once(landed.ids(), {f"event-{number}" for number in range(20_000)})
        assert json.loads(kafka.log.read_text().splitlines()[-1])["event"] == "stopped"

"""The buffers: when a batch is due, what a full disk, a held lock or a hole mean. No broker, no clock."""

import errno
import json
import logging
from pathlib import Path

import pytest
from stream_kit import Landed

from sluice.streams.disk import Disk
from sluice.streams.feeds import feed_named
from sluice.streams.intake import Done, Intake, Limits, Reread
from sluice.streams.kafka_gaps import (
    ADMIT,
    DELETED,
    LOOK_AGAIN,
    Jump,
    Start,
    first_jump,
    judge_jump,
    where_to_start,
)
from sluice.streams.kafka_options import topic_pattern
from sluice.streams.kafka_order import Order
from sluice.streams.lander import Lander
from sluice.streams.names import Place
from sluice.streams.pulsar_order import Arrival, judge_arrival
from sluice.streams.rows import Encoder, Message
from sluice.streams.telemetry import Telemetry

PLACE = Place("kafka", "events", 0)


class FullDisk(Disk):
    """Has no room while `full`, and says how much is free."""

    full = False
    free = 1 << 40

    def write_aside(self, path: Path, data: bytes) -> None:
        if self.full:
            path.write_bytes(data[:10])
            path.unlink()
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        super().write_aside(path, data)

    def free_bytes(self, folder: Path) -> int:
        return self.free


class Bench:
    """An intake with a clock to turn by hand."""

    def __init__(self, home: Path, **limits: float) -> None:
        self.now = 0.0
        self.disk = FullDisk()
        self.folder = home / "landing" / "service_events"
        log = logging.getLogger("test")
        telemetry = Telemetry("service_events", home / "landing", home / "gaps.jsonl", log)
        self.telemetry = telemetry
        self.intake = Intake(
            lambda place: Lander(self.folder, place, self.disk),
            Encoder(feed_named("service_events"), "json"),
            Limits(**limits),  # type: ignore[arg-type]
            telemetry,
            self.disk,
            lambda: self.now,
        )
        lander = self.intake.lander(PLACE)
        self.intake.begin(PLACE, lander.open(), lander)

    def take(self, *offsets: int) -> None:
        self.intake.take(
            PLACE, [Message((each,), b'{"event_id":"%d"}' % each, None, None, 1000) for each in offsets]
        )


@pytest.fixture
def landed(tmp_path: Path) -> Landed:
    return Landed(tmp_path)


def test_a_batch_lands_by_count_bytes_or_time(tmp_path: Path, landed: Landed) -> None:
    bench = Bench(tmp_path, messages=5, bytes=100_000, seconds=2)
    bench.take(0, 1)
    assert bench.intake.flush() == []
    bench.take(2, 3, 4)
    assert isinstance(bench.intake.flush()[0], Done)
    bench.take(5)
    bench.now += 1.9
    assert bench.intake.flush() == []
    bench.now += 0.2
    assert isinstance(bench.intake.flush()[0], Done)
    bench.intake.take(PLACE, [Message((6,), b"x" * 100_000, None, None, 0)])
    assert isinstance(bench.intake.flush()[0], Done)
    assert [path.name[-25:] for path in landed.files("service_events")] == [
        "-00000000000000000004.csv", "-00000000000000000005.csv", "-00000000000000000006.csv",
    ]  # fmt: skip


def test_a_full_disk_puts_off_and_loses_nothing(tmp_path: Path, landed: Landed) -> None:
    bench = Bench(tmp_path, seconds=0)
    bench.disk.full, bench.disk.free = True, 0
    bench.take(0, 1, 2)
    assert bench.intake.flush() == []
    assert bench.intake.full
    bench.take(3)
    assert bench.intake.flush() == [], "not tried again at once"
    bench.disk.full, bench.disk.free = False, 1 << 40
    bench.now += 1.1
    [done] = bench.intake.flush()
    assert isinstance(done, Done)
    bench.now += 1.1
    assert not bench.intake.full
    assert list(landed.ids()) == ["0", "1", "2", "3"]
    assert not list(tmp_path.rglob("*.part"))


def test_a_nearly_full_disk_pauses_before_it_is_full(tmp_path: Path) -> None:
    bench = Bench(tmp_path, min_free=1000)
    bench.disk.free = 999
    assert bench.intake.full
    bench.disk.free = 1100
    bench.now += 1.1
    assert bench.intake.full, "not before there is some room to spare"
    bench.disk.free = 1300
    bench.now += 1.1
    assert not bench.intake.full


def test_what_the_broker_gives_twice_is_taken_once(tmp_path: Path, landed: Landed) -> None:
    bench = Bench(tmp_path, seconds=0)
    bench.take(0, 1, 2)
    bench.take(1, 2, 3)
    bench.intake.flush()
    bench.take(2, 3, 4)
    bench.intake.flush()
    assert sorted(landed.ids().elements()) == ["0", "1", "2", "3", "4"]


def test_a_rival_that_landed_first_is_respected(tmp_path: Path, landed: Landed) -> None:
    ours, rival = Bench(tmp_path, seconds=0), Bench(tmp_path, seconds=0)
    rival.take(0, 1, 2)
    rival.intake.flush()
    ours.take(0, 1, 2, 3)
    [done] = ours.intake.flush()
    assert isinstance(done, Done)
    assert (done.landing.messages, done.landing.skipped) == (1, 3)
    assert sorted(landed.ids().elements()) == ["0", "1", "2", "3"]


def test_a_hole_is_read_again(tmp_path: Path, landed: Landed) -> None:
    bench = Bench(tmp_path, seconds=0)
    bench.take(0, 1)
    bench.intake.flush()
    for path in [*(bench.folder / "_offsets").rglob("*.jsonl"), *landed.files("service_events")]:
        path.unlink()  # somebody wiped what had landed
    bench.take(2)
    [reread] = bench.intake.flush()
    assert isinstance(reread, Reread)
    assert reread.landed.last is None
    bench.take(0, 1, 2)
    bench.intake.flush()
    assert sorted(landed.ids().elements()) == ["0", "1", "2"]


def run(*offsets: int) -> list[Message]:
    return [Message((each,), b"", None, None, 0) for each in offsets]


def test_jumps_in_offsets() -> None:
    assert first_jump(None, run(5, 6)) is None
    assert first_jump(5, run(5, 6, 7)) is None
    assert first_jump(5, run(3, 4, 5, 6)) is None
    assert first_jump(5, run(5, 7)) == Jump(1, 6, 7)
    assert first_jump(5, run(9)) == Jump(0, 5, 9)
    assert judge_jump(Jump(0, 5, 9), low=9, looked_at=None) == DELETED
    assert judge_jump(Jump(0, 5, 9), low=0, looked_at=None) == LOOK_AGAIN
    assert judge_jump(Jump(0, 5, 9), low=0, looked_at=5) == ADMIT


def test_where_a_partition_goes_on() -> None:
    assert where_to_start(None, 7, 20) == Start(7)
    assert where_to_start(9, 0, 20) == Start(10)
    assert where_to_start(9, 10, 20) == Start(10)
    assert where_to_start(9, 15, 20) == Start(15, lost=5)
    assert where_to_start(9, 0, 10) == Start(10)
    assert where_to_start(9, 0, 9) == Start(0, reset=True)
    assert where_to_start(9, None, None) == Start(10)


def test_globs_become_patterns_of_the_client() -> None:
    assert topic_pattern("merchant_*.events") == r"^merchant_.*\.events$"
    assert topic_pattern("plain.topic") == "plain.topic"
    assert topic_pattern("^own.*") == "^own.*"


@pytest.mark.parametrize(
    ("seen", "first", "anchored", "sought", "expected"),
    [
        (None, (3, 0, 0), False, False, Arrival.SEEK),
        (None, (3, 0, 0), False, True, Arrival.CONTINUE),
        ((3, 5, 1), (3, 5, 2), False, False, Arrival.CONTINUE),
        ((3, 5, 1), (3, 6, 0), False, False, Arrival.CONTINUE),
        ((3, 5, 1), (3, 8, 0), False, False, Arrival.SEEK),
        ((3, 5, 1), (7, 0, 0), False, False, Arrival.SEEK),
        ((3, 5, 1), (3, 5, 0), False, True, Arrival.CONTINUE),
        ((3, 5, 1), (7, 0, 0), False, True, Arrival.GAP),
        ((3, 5, 1), (7, 0, 0), True, False, Arrival.CONTINUE),
        ((3, 5, 1), (3, 9, 0), True, False, Arrival.SEEK),
    ],
)
def test_what_pulsar_messages_continue(seen, first, anchored, sought, expected) -> None:  # type: ignore[no-untyped-def]
    assert judge_arrival(seen, first, anchored, sought) is expected


def test_positions_without_a_message_are_noted_and_are_no_hole(tmp_path: Path, landed: Landed) -> None:
    bench = Bench(tmp_path, seconds=0)
    bench.take(0, 1)
    bench.intake.pass_over(PLACE, (4,))  # while messages wait: noted once they have landed
    assert bench.intake.landed(PLACE).last is None
    bench.intake.flush()
    assert bench.intake.landed(PLACE).last == bench.intake.seen(PLACE) == (4,)
    bench.intake.pass_over(PLACE, (6,))
    bench.intake.pass_over(PLACE, (5,))
    again = Lander(bench.folder, PLACE).open()
    assert (again.last, again.is_sparse) == ((6,), True)
    bench.take(7, 8)
    assert isinstance(bench.intake.flush()[0], Done)
    assert Lander(bench.folder, PLACE).open().last == (8,)
    assert [row["event_id"] for row in landed.rows("service_events")] == ["0", "1", "7", "8"]


def test_what_another_process_landed_is_not_passed_over(tmp_path: Path) -> None:
    bench = Bench(tmp_path, seconds=0)
    bench.take(0, 1)
    bench.intake.flush()
    Lander(bench.folder, PLACE).land(1, (1,), [(2,), (3,)], lambda _: b"x\n")
    bench.intake.pass_over(PLACE, (2,))
    assert Lander(bench.folder, PLACE).open().last == (3,)
    bench.take(4)
    assert isinstance(bench.intake.flush()[0], Done), "what the other landed is no hole"


def test_a_partition_that_is_held_lands_only_when_it_is_forced(tmp_path: Path, landed: Landed) -> None:
    bench = Bench(tmp_path, seconds=0)
    bench.take(0, 1, 2)
    assert bench.intake.is_due()
    bench.intake.hold(PLACE, bench.intake.waiting_at(PLACE)[:2])
    assert not bench.intake.is_due() and bench.intake.flush() == []
    assert isinstance(bench.intake.flush(PLACE, force=True)[0], Done)
    assert [row["event_id"] for row in landed.rows("service_events")] == ["0", "1"]


class Sought:
    """An order over a partition whose broker still has everything from `low` on."""

    def __init__(self, bench: Bench, low: int = 0) -> None:
        self.sought: list[int] = []
        self.order = Order(
            bench.intake, bench.telemetry, lambda *_: low, lambda _, offset: self.sought.append(offset)
        )


def test_the_end_of_a_partition_is_believed_when_it_is_reached_twice(tmp_path: Path) -> None:
    bench = Bench(tmp_path, seconds=0)
    bench.take(0, 1)
    bench.intake.flush()
    kafka = Sought(bench)
    assert kafka.order.reach_end(PLACE, 2), "nothing is missing"
    assert not kafka.order.reach_end(PLACE, 5) and kafka.sought == [2]
    assert kafka.order.reach_end(PLACE, 5) and bench.intake.seen(PLACE) == (4,)
    assert kafka.order.is_sparse(PLACE)
    assert kafka.order.reach_end(PLACE, 7) and kafka.sought == [2], "known to have marks"


def test_deletions_are_noticed_in_a_partition_with_marks_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path, seconds=0)
    bench.take(0, 1)
    bench.intake.flush()
    bench.intake.pass_over(PLACE, (2,))
    kafka = Sought(bench, low=9)
    kafka.order.admit(PLACE, [Message((9,), b"{}", None, None, 0)])
    (gap,) = [json.loads(line) for line in (tmp_path / "gaps.jsonl").read_text().splitlines()]
    assert (gap["kind"], gap["expected"], gap["found"], gap["lost"]) == ("deleted", "3", "9", None)

"""Group commit under faults: a full disk, a disk that does not answer, landing that fails, midnight."""

import asyncio
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from ingest_kit import wait_for

from sluice.ingest import segment as segment_module
from sluice.ingest.landing import LandingZone
from sluice.ingest.rows import HEADER
from sluice.ingest.settings import Settings
from sluice.ingest.writer import BusyError, Committed, NotDurableError, Writer


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    zone = LandingZone(tmp_path / "ingest", tmp_path / "landing")
    zone.prepare()
    return zone


@pytest.fixture
def started(zone: LandingZone) -> Iterator[Any]:
    writers = []

    def start(**changes: Any) -> Writer:
        commits: list[Committed] = []
        writer = Writer(zone, Settings(**{"segment_seconds": 60.0, **changes}), on_commit=commits.append)
        writer.commits = commits  # type: ignore[attr-defined]
        writers.append(writer)
        writer.start()
        return writer

    yield start
    for writer in writers:
        writer.close()


def landed(zone: LandingZone) -> bytes:
    files = sorted(zone.feed.rglob("*.csv"), key=lambda path: path.name)
    return b"".join(path.read_bytes().removeprefix(HEADER) for path in files)


def commit(writer: Writer, *rows: bytes) -> list[BaseException | None]:
    async def all_of_them() -> list[BaseException | None]:
        return await asyncio.gather(*(writer.commit(row, 1) for row in rows), return_exceptions=True)

    return asyncio.run(all_of_them())


def full_disk(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_many_requests_share_a_sync(zone: LandingZone, started: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (time.sleep(0.3), sync(fd)))
    writer = started()
    rows = [b"%d\n" % number for number in range(200)]
    assert commit(writer, *rows) == [None] * 200
    assert len(writer.commits) <= 3
    assert sum(group.requests for group in writer.commits) == 200
    writer.close()
    assert landed(zone) == b"".join(rows)


def test_an_answer_comes_after_the_sync(started: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = Event()
    sync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (time.sleep(0.05), synced.set(), sync(fd)))
    writer = started()

    async def first() -> None:
        await writer.commit(b"a\n", 1)
        assert synced.is_set()

    asyncio.run(first())


def test_a_segment_lands_when_it_is_old_or_large(zone: LandingZone, started: Any) -> None:
    old = started(segment_seconds=0.05)
    commit(old, b"a\n")
    wait_for(lambda: landed(zone) == b"a\n")
    old.close()
    large = started(segment_bytes=100)
    commit(large, b"x" * 200 + b"\n")
    wait_for(lambda: landed(zone).endswith(b"x\n"))
    commit(large, b"b\n")
    assert landed(zone).endswith(b"x\n"), "a young and small segment waits"


@pytest.mark.parametrize("broken", ["write", "fdatasync"])
def test_a_full_disk_keeps_nothing_and_recovers(
    zone: LandingZone, started: Any, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    writer = started()
    assert commit(writer, b"before\n") == [None]
    with monkeypatch.context() as patched:
        calls = iter([full_disk])
        original = getattr(os, broken)
        patched.setattr(os, broken, lambda *given: next(calls, original)(*given))
        (error,) = commit(writer, b"lost\n")
    assert isinstance(error, NotDurableError) and "No space left" in str(error)
    assert writer.failed_within(5)
    assert commit(writer, b"after\n") == [None]
    assert not writer.failed_within(5)
    writer.close()
    assert landed(zone) == b"before\nafter\n"


def test_a_short_write_leaves_no_torn_frame(
    zone: LandingZone, started: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = started()
    write, parts = os.write, iter([7])

    def short(fd: int, data: Any) -> int:
        left = next(parts, None)
        return write(fd, bytes(data)[:left]) if left else full_disk()

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", short)
        (error,) = commit(writer, b"lost\n")
    assert isinstance(error, NotDurableError)
    commit(writer, b"kept\n")
    writer.close()
    assert landed(zone) == b"kept\n"


def test_a_segment_that_cannot_be_cut_back_is_given_up(
    zone: LandingZone, started: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = started()
    commit(writer, b"before\n")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", full_disk)
        patched.setattr(os, "ftruncate", full_disk)
        (error,) = commit(writer, b"unacknowledged\n")
    assert isinstance(error, NotDurableError)
    wait_for(lambda: landed(zone) == b"before\n")
    commit(writer, b"after\n")
    writer.close()
    assert landed(zone) == b"before\nafter\n"


def test_a_segment_that_cannot_be_made_is_an_answer_not_a_crash(
    started: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = started()
    with monkeypatch.context() as patched:
        patched.setattr(segment_module.os, "open", full_disk)
        (error,) = commit(writer, b"a\n")
    assert isinstance(error, NotDurableError)
    assert commit(writer, b"a\n") == [None]


def test_a_disk_that_does_not_answer_refuses_the_next(started: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = Event()
    sync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (go_on.wait(60), sync(fd)))
    writer = started(lag_seconds=0.05)

    async def stuck() -> None:
        first = asyncio.create_task(writer.commit(b"a\n", 1))
        await asyncio.sleep(0.2)
        with pytest.raises(BusyError, match="lags"):
            await writer.commit(b"b\n", 1)
        go_on.set()
        await first

    asyncio.run(stuck())
    assert writer.refusal() is None


def test_too_much_in_the_queue_refuses_the_next(started: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (time.sleep(0.2), sync(fd)))
    writer = started(queue_bytes=10)
    answers = commit(writer, *[b"x" * 20 + b"\n"] * 20)
    assert answers[0] is None
    assert isinstance(answers[-1], BusyError) and "wait for the disk" in str(answers[-1])


def test_landing_that_fails_is_tried_again_and_pushes_back(
    zone: LandingZone, started: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.ingest.writer._RETRY_SECONDS", 0.01)
    writer = started(segment_seconds=0.01, backlog_bytes=50)
    with monkeypatch.context() as patched:
        patched.setattr("sluice.ingest.landing.LandingZone._publish", full_disk)
        commit(writer, b"a" * 100 + b"\n")
        wait_for(lambda: writer.landing_error is not None)
        (error,) = commit(writer, b"b\n")
        assert isinstance(error, BusyError) and "landing lags" in str(error)
    wait_for(lambda: landed(zone) == b"a" * 100 + b"\n")
    wait_for(lambda: writer.refusal() is None)
    commit(writer, b"b\n")
    writer.close()
    assert landed(zone) == b"a" * 100 + b"\nb\n"


def test_what_cannot_land_at_the_end_is_left_to_the_next_start(
    zone: LandingZone, started: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = started()
    with monkeypatch.context() as patched:
        patched.setattr("sluice.ingest.landing.LandingZone._publish", full_disk)
        commit(writer, b"a\n")
        writer.close()
    assert landed(zone) == b"" and len(zone.segments()) == 1
    zone.recover(lambda _: None)
    assert landed(zone) == b"a\n"


def test_after_closing_nothing_is_taken(started: Any) -> None:
    writer = started()
    writer.close()
    (error,) = commit(writer, b"a\n")
    assert isinstance(error, BusyError) and "stopping" in str(error)


def test_midnight_begins_a_new_segment(zone: LandingZone, started: Any) -> None:
    writer = started()
    clock = [1_768_521_599_900_000]
    writer._ids = segment_module.SegmentIds(None, lambda: clock[0])
    commit(writer, b"a\n")
    clock[0] += 200_000
    commit(writer, b"b\n")
    writer.close()
    dates = sorted(path.parent.name for path in zone.feed.rglob("*.csv"))
    assert dates == ["ingest_date=2026-01-15", "ingest_date=2026-01-16"]
    assert landed(zone) == b"a\nb\n"

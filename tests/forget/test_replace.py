"""Erasing never touches a version of a file that it has not read."""

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from sluice import durable
from sluice.forget import rewrite
from sluice.forget.journal import Journal, Rewritten
from sluice.forget.person import Person
from sluice.forget.replace import Version, replace_version
from sluice.forget.rewrite import Unreadable, rewrite_landing
from sluice.home import Home
from sluice.landing.feed import FeedFormat

PERSON = Person(FeedFormat({"id": ("id",), "user_id": ("user_id",)}, ("id",)), "user_id", "u7")
OLD = b"id,user_id\n1,u7\n2,u8\n"
NEW = b"id,user_id\n1,u7\n3,u9\n"


class Zone:
    """A data home with one landing file."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root, root / "landing", root / "published")
        self.file = root / "landing/events/ingest_date=2026-01-01/a.csv"
        self.file.parent.mkdir(parents=True)
        self.home.work.mkdir()
        self.file.write_bytes(OLD)

    def deliver(self, content: bytes) -> None:
        """As senders do: written aside, renamed."""
        aside = self.file.with_name(".upload")
        aside.write_bytes(content)
        aside.rename(self.file)

    def erase(self) -> list[Rewritten | Unreadable]:
        return list(rewrite_landing(self.home.landing, "events", PERSON, self.home.work, Journal(self.home)))

    def names(self) -> list[str]:
        return sorted(path.name for path in self.file.parent.iterdir())


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return Zone(tmp_path)


@pytest.mark.parametrize("moment", ["_without", "write_like", "expect_size"])
@pytest.mark.parametrize("how", ["renamed", "in place"])
def test_a_version_that_comes_meanwhile_is_read_and_stays(
    zone: Zone, monkeypatch: pytest.MonkeyPatch, moment: str, how: str
) -> None:
    """Before it is read whole, before what is left is written, and just before the file is replaced."""
    real, deliveries = getattr(rewrite, moment), [NEW]

    def deliver_first(*arguments: object, **named: object) -> object:
        done = real(*arguments, **named)
        if deliveries:
            content = deliveries.pop()
            zone.deliver(content) if how == "renamed" else zone.file.write_bytes(content)
        return done

    monkeypatch.setattr(rewrite, moment, deliver_first)
    (found,) = zone.erase()
    assert zone.file.read_bytes() == b"id,user_id\n3,u9\n"
    assert isinstance(found, Rewritten) and found.erased_count == 1
    assert zone.names() == ["a.csv"]


@pytest.mark.parametrize("removed", [False, True])
def test_one_that_comes_in_the_last_moment_is_given_back(
    zone: Zone, monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    """Between the last look and the exchange of the two files, another one while that is undone."""
    real, deliveries = durable.exchange, [b"newest", NEW]

    def deliver_first(one: Path, other: Path) -> None:
        if deliveries:
            zone.deliver(deliveries.pop())
        real(one, other)

    version = Version.of(zone.file)
    assert version is not None
    aside = zone.file.with_name(".aside")
    aside.write_bytes(b"erased")
    if removed:
        deliveries.clear()
        zone.file.unlink()
        assert replace_version(aside, zone.file, version) is False and not zone.file.exists()
        return
    monkeypatch.setattr(durable, "exchange", deliver_first)
    assert replace_version(aside, zone.file, version) is False
    assert zone.file.read_bytes() == b"newest"


def test_a_file_that_changes_all_the_time_is_named(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    real, numbers = rewrite._without, iter(range(1000))

    def deliver_first(*arguments: object) -> object:
        zone.deliver(NEW + b"%d,u8\n" % next(numbers))
        return real(*arguments)

    monkeypatch.setattr(rewrite, "_without", deliver_first)
    (found,) = zone.erase()
    assert isinstance(found, Unreadable) and "changes all the time" in found.problem
    assert b"u7" in zone.file.read_bytes(), "it is left as it came"


def test_no_delivery_of_a_busy_sender_is_lost(zone: Zone) -> None:
    """A sender rewrites the file every millisecond or so. What it wrote last is there in the end, without the person."""
    stop, last = threading.Event(), [0]

    def send() -> None:
        while not stop.is_set():
            last[0] += 1
            zone.deliver(b"id,user_id\n%d,u7\n%d,u9\n" % (last[0], last[0]))
            time.sleep(0.001)

    sender = threading.Thread(target=send)
    sender.start()
    for _ in range(40):
        zone.erase()
    stop.set()
    sender.join()
    assert b"%d,u9\n" % last[0] in zone.file.read_bytes()
    zone.erase()
    assert zone.file.read_bytes() == b"id,user_id\n%d,u9\n" % last[0]


def test_without_exchange_a_file_is_renamed(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(one: Path, other: Path) -> None:
        raise OSError(errno.EINVAL, "not here")

    monkeypatch.setattr(durable, "exchange", refuse)
    zone.file.chmod(0o640)
    (found,) = zone.erase()
    assert isinstance(found, Rewritten) and zone.file.read_bytes() == b"id,user_id\n2,u8\n"
    assert zone.file.stat().st_mode & 0o777 == 0o640, "its sender's access stays"
    assert zone.names() == ["a.csv"]


def test_what_was_replaced_is_known_after_a_crash(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    before = zone.file.stat()
    (done,) = zone.erase()
    journal = Journal(zone.home)
    assert journal.read() == [done]
    assert isinstance(done, Rewritten)
    assert (done.old_size_bytes, done.old_modified_ns) == (before.st_size, before.st_mtime_ns)
    with (zone.home.root / "erased.jsonl").open("ab") as torn:
        torn.write(b'{"file": "events/')
    assert journal.read() == [done]
    assert b"u7" not in (zone.home.root / "erased.jsonl").read_bytes()
    zone.deliver(NEW)
    assert journal.read() == [], "another version is there"
    journal.clear()
    journal.clear()

    def die(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(rewrite, "replace_version", die)
    with pytest.raises(KeyboardInterrupt):
        zone.erase()
    assert journal.read() == [], "it was noted, and never done"
    assert zone.file.read_bytes() == NEW


def test_what_a_killed_process_wrote_aside_goes(zone: Zone) -> None:
    aside = durable.Aside(zone.file)
    with os.fdopen(os.dup(aside.file.fileno()), "wb") as file:
        file.write(b"1,u7")
    assert not durable.remove_leftover(aside.path), "its writer lives"
    aside.file.close()
    zone.erase()
    assert zone.names() == ["a.csv"]

"""Segments and landing: torn ends, damage, crashes between any two steps, names that sort by arrival."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.ingest.landing import Landed, LandingZone
from sluice.ingest.rows import HEADER
from sluice.ingest.segment import Frames, Segment, SegmentIds, date_of, frame, is_id, us_to_id

NOON = 1_768_478_400_000_000
"""2026-01-15T12:00:00Z in microseconds."""


def read(content: bytes, size: int | None = None) -> tuple[list[bytes], Frames]:
    frames = Frames()
    return list(frames.read(io.BytesIO(content), len(content) if size is None else size)), frames


@settings(max_examples=200)
@given(st.lists(st.binary(min_size=1, max_size=200), max_size=6), st.data())
def test_a_cut_loses_only_what_was_not_whole(bodies: list[bytes], data: st.DataObject) -> None:
    content, ends = b"", [0]
    for body in bodies:
        content += frame(body, 1)
        ends.append(len(content))
    cut = data.draw(st.integers(0, len(content)))
    whole = sum(end <= cut for end in ends) - 1
    found, frames = read(content[:cut])
    assert found == bodies[:whole]
    assert frames.count == whole
    assert frames.dropped_bytes == cut - ends[whole]
    assert not frames.damaged


@settings(max_examples=200)
@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4), st.data())
def test_a_changed_byte_never_yields_a_wrong_frame(bodies: list[bytes], data: st.DataObject) -> None:
    content = bytearray(b"".join(frame(body, 1) for body in bodies))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    found, frames = read(bytes(content))
    assert found == bodies[: len(found)]
    assert len(found) < len(bodies)
    assert frames.dropped_bytes


@settings(max_examples=100)
@given(st.lists(st.binary(min_size=1, max_size=60), max_size=4), st.integers(1, 300))
def test_zeros_after_the_last_frame_are_a_torn_end(bodies: list[bytes], zeros: int) -> None:
    found, frames = read(b"".join(frame(body, 1) for body in bodies) + bytes(zeros))
    assert found == bodies and not frames.damaged


def test_ids_grow_when_the_clock_stands_or_steps_back() -> None:
    times = iter([NOON, NOON, NOON - 3_600_000_000, NOON + 5])
    ids = SegmentIds(None, lambda: next(times))
    found = [ids.next() for _ in range(4)]
    assert found == sorted(set(found))
    assert all(is_id(name) for name in found)
    assert date_of(found[0]) == "2026-01-15"


def test_a_last_id_from_a_wrong_clock_is_not_followed() -> None:
    far = us_to_id(NOON + 86_400_000_000 * 400)
    assert SegmentIds(far, lambda: NOON).next() == us_to_id(NOON)
    near = us_to_id(NOON + 60_000_000)
    assert SegmentIds(near, lambda: NOON).next() == us_to_id(NOON + 60_000_001)
    assert SegmentIds(near, lambda: NOON).today() == "2026-01-15"


@pytest.mark.parametrize(
    "text", ["", "x", "20260115T120000Z", "20261315T120000000000Z", "20260115T1200000000000"]
)
def test_other_names_are_no_ids(text: str) -> None:
    assert not is_id(text)


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    zone = LandingZone(tmp_path / "ingest", tmp_path / "landing")
    zone.prepare()
    return zone


def closed(zone: LandingZone, *bodies: bytes, segment_id: str = us_to_id(NOON)) -> Path:
    segment = Segment(zone.ingest, segment_id)
    for body in bodies:
        segment.append(frame(body, body.count(b"\n")))
    segment.close()
    return segment.path


def test_a_segment_becomes_one_file_named_after_it(zone: LandingZone) -> None:
    path = closed(zone, b"a\n", b"b\nc\n")
    landed = zone.land(path)
    assert landed.events == 3 and landed.path == zone.target(us_to_id(NOON))
    assert landed.path.parent.name == "ingest_date=2026-01-15"
    assert landed.path.read_bytes() == HEADER + b"a\nb\nc\n"
    assert not path.exists()
    assert zone.last_id() == us_to_id(NOON)


def test_only_the_durable_part_lands(zone: LandingZone) -> None:
    path = closed(zone, b"a\n", b"b\n")
    zone.land(path, len(frame(b"a\n", 1)))
    assert zone.target(us_to_id(NOON)).read_bytes() == HEADER + b"a\n"


def test_an_empty_or_torn_segment_leaves_no_file(zone: LandingZone) -> None:
    zone.land(closed(zone))
    path = closed(zone, segment_id=us_to_id(NOON + 1))
    path.write_bytes(frame(b"a\n", 1)[:-1])
    assert zone.land(path).dropped_bytes > 0
    assert not list(zone.feed.rglob("*.csv")) and not list(zone.ingest.glob("*.segment"))


def test_a_segment_that_landed_but_was_not_deleted_does_not_land_twice(zone: LandingZone) -> None:
    path = closed(zone, b"a\n")
    kept = path.read_bytes()
    zone.land(path)
    target = zone.target(us_to_id(NOON))
    before = target.stat()
    path.write_bytes(kept)
    reports: list[Landed] = []
    zone.recover(reports.append)
    after = target.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert not path.exists() and reports[0].events == 0


def test_a_damaged_segment_lands_what_is_whole_and_is_kept(zone: LandingZone) -> None:
    path = closed(zone, b"a\n", b"b\n", b"c\n")
    content = bytearray(path.read_bytes())
    content[len(frame(b"a\n", 1)) + 17] ^= 1
    path.write_bytes(content)
    landed = zone.land(path)
    assert zone.target(us_to_id(NOON)).read_bytes() == HEADER + b"a\n"
    assert landed.damaged is not None and landed.damaged.read_bytes() == content
    assert zone.segments() == []


STEPS = ["open", "os.fsync", "os.rename", "sluice.durable.sync", "unlink", "sluice.durable.write"]


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_ends_in_one_whole_file(
    zone: LandingZone, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Crash(BaseException):
        """The process ends here."""

    def crash(*_: object, **__: object) -> None:
        raise Crash

    path = closed(zone, b"a\n", b"b\n")
    with monkeypatch.context() as patched:
        if step == "open":
            patched.setattr("sluice.ingest.landing.LandingZone._publish", crash)
        elif "." in step:
            patched.setattr(step, crash)
        else:
            patched.setattr(Path, step, crash)
        with pytest.raises(Crash):
            zone.land(path)
    for leftover in list(zone.feed.rglob("*")):
        assert leftover.is_dir() or leftover == zone.target(us_to_id(NOON)) or leftover.name.endswith(".tmp")
    again = LandingZone(zone.ingest, zone.feed.parent)
    again.prepare()
    again.recover(lambda _: None)
    assert [path.read_bytes() for path in zone.feed.rglob("*") if path.is_file()] == [HEADER + b"a\nb\n"]
    assert sorted(path.name for path in zone.ingest.iterdir()) == ["last_id"]
    assert again.segments() == []


def test_the_last_id_is_found_without_its_file(zone: LandingZone) -> None:
    assert zone.last_id() is None
    zone.land(closed(zone, b"a\n"))
    (zone.ingest / "last_id").unlink()
    assert zone.last_id() == us_to_id(NOON)

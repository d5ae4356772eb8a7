"""The heart of it, without a broker: readers that are killed, frozen, rivalled, short of disk: never
twice."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.streams.disk import BusyError, Disk
from sluice.streams.lander import HoleError, Lander
from sluice.streams.names import Place, Position, file_name, parse_name
from sluice.streams.record import Landed, Line, decide, newest, parse_line, with_files

PLACE = Place("kafka", "events", 0)


class Killed(BaseException):
    """The process ended here: nothing after this line of it ran."""


class DyingDisk(Disk):
    """Fails at the n-th operation: dies before it, in its middle or after it, or finds the disk full."""

    def __init__(self) -> None:
        self.left = -1
        self.how = ""

    def _strikes(self) -> bool:
        self.left -= 1
        return self.left == 0

    def write_aside(self, path: Path, data: bytes) -> None:
        if not self._strikes():
            return super().write_aside(path, data)
        if self.how == "half":
            path.write_bytes(data[: len(data) // 2])
        elif self.how == "after":
            path.write_bytes(data)
        raise OSError(28, "No space left on device") if self.how == "full" else Killed

    def append(self, path: Path, data: bytes, durable: bool = True) -> None:
        if not self._strikes():
            return super().append(path, data, durable)
        part = {"half": data[: len(data) // 2], "after": data}.get(self.how, b"")
        with path.open("ab") as handle:
            handle.write(part)
        raise OSError(28, "No space left on device") if self.how == "full" else Killed

    def rename(self, source: Path, target: Path) -> None:
        if not self._strikes():
            return super().rename(source, target)
        if self.how in ("half", "after"):
            source.rename(target)
        raise OSError(28, "No space left on device") if self.how == "full" else Killed


class Reader:
    """A process that reads one partition; `log` holds the offsets that carry messages."""

    def __init__(self, folder: Path, log: list[int]) -> None:
        self.folder, self.log = folder, log
        self.disk = DyingDisk()
        self.start()

    def start(self) -> None:
        self.disk.left = -1
        self.lander = Lander(self.folder, PLACE, self.disk)
        self.landed = self.lander.open()
        self.seen = self.after = self.landed.last
        self.buffer: list[Position] = []

    def read(self, count: int) -> None:
        ahead = [(offset,) for offset in self.log if self.seen is None or (offset,) > self.seen]
        self.buffer += ahead[:count]
        if self.buffer:
            self.seen = self.buffer[-1]

    def flush(self) -> None:
        if not self.buffer:
            return
        lines = [f"{offset}\n".encode() for (offset,) in self.buffer]
        try:
            result = self.lander.land(
                self.landed.generation, self.after, self.buffer, lambda skip: b"".join(lines[skip:])
            )
        except HoleError as hole:
            self.landed, self.seen = hole.landed, hole.landed.last
        except (BusyError, OSError):
            return  # everything is kept for another try
        else:
            self.landed = result.landed
        self.buffer, self.after = [], self.seen


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.one_of(
            st.tuples(st.just("read"), st.integers(1, 6), st.just("")),
            st.tuples(st.just("flush"), st.just(0), st.just("")),
            st.tuples(st.just("land"), st.integers(1, 9), st.just("")),
            st.tuples(
                st.just("fault"), st.integers(1, 5), st.sampled_from(["before", "half", "after", "full"])
            ),
            st.tuples(st.just("restart"), st.just(0), st.just("")),
            st.tuples(st.just("archive"), st.just(0), st.just("")),
        ),
    ),
    min_size=8,
    max_size=60,
)


@pytest.fixture(scope="module", autouse=True)
def quick_disk() -> Iterator[None]:
    """No power cut happens in these tests, so nothing need reach the platter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: None)
        yield


@settings(max_examples=200, deadline=None)
@given(STEPS, st.lists(st.integers(0, 3), min_size=10, max_size=60))
def test_no_message_lands_twice_and_none_is_lost(steps: list, holes: list[int]) -> None:
    log, offset = [], 0
    for gap in holes:  # offsets with holes, as compacted topics have them
        log.append(offset)
        offset += 1 + (gap == 3)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "service_events"
        folder.mkdir()
        archived: list[int] = []

        def archive() -> None:
            """Every file has been read by the pipeline, and goes; the last one may be unsettled, so it
            stays."""
            for path in sorted(folder.glob("ingest_date=*/*.csv"))[:-1]:
                archived.extend(map(int, path.read_text().split()))
                path.unlink()

        readers = [Reader(folder, log) for _ in range(3)]
        dead: set[int] = set()
        for number, (action, amount, how) in steps:
            reader = readers[number]
            if number in dead:  # a dead process comes back when it is next called, not at once
                dead.discard(number)
                action = "restart"
            try:
                if action in ("read", "land"):
                    reader.read(amount)
                if action == "read":
                    continue
                if action == "land" or action == "flush":
                    reader.flush()
                elif action == "fault":
                    reader.disk.left, reader.disk.how = amount, how
                elif action == "restart":
                    reader.start()
                else:
                    archive()
            except Killed:
                dead.add(number)
            except OSError:
                reader.disk.left = -1
        last = Reader(folder, log)
        last.read(1000)
        last.flush()
        found = archived + [
            int(line) for path in folder.glob("ingest_date=*/*.csv") for line in path.read_text().split()
        ]
        assert sorted(found) == log
        for path in folder.glob("ingest_date=*/*.csv"):
            offsets = [int(line) for line in path.read_text().split()]
            parsed = parse_name(path.name)
            assert parsed and (parsed[3], parsed[4]) == ((offsets[0],), (offsets[-1],)), (
                "the name tells the truth"
            )
        assert not list(folder.glob("ingest_date=*/*.part"))


def test_a_file_whose_process_died_right_after_naming_it_has_landed(tmp_path: Path) -> None:
    log = list(range(9))
    dying, rival = Reader(tmp_path, log), Reader(tmp_path, log)
    dying.read(3)
    rival.read(5)
    dying.disk.left, dying.disk.how = 3, "after"  # aside, announced, named: but not recorded as landed
    with pytest.raises(Killed):
        dying.flush()
    rival.flush()
    texts = [path.read_text().split() for path in sorted(tmp_path.glob("ingest_date=*/*.csv"))]
    assert texts == [["0", "1", "2"], ["3", "4"]]


def test_a_lost_record_is_rebuilt_from_the_names_of_the_files(tmp_path: Path) -> None:
    reader = Reader(tmp_path, list(range(10)))
    reader.read(7)
    reader.flush()
    for path in (tmp_path / "_offsets").rglob("*.jsonl"):
        path.unlink()
    assert Lander(tmp_path, PLACE).open().last == (6,)


def test_a_held_lock_means_later(tmp_path: Path) -> None:
    lander = Lander(tmp_path, PLACE)
    with Disk().lock(tmp_path / "_offsets" / "kafka" / "events-0.lock"), pytest.raises(BusyError):
        lander.land(1, None, [(0,)], lambda _: b"x")
    assert lander.land(1, None, [(0,)], lambda _: b"x").messages == 1


def test_leftovers_of_a_crash_are_removed_and_others_kept(tmp_path: Path) -> None:
    day = tmp_path / "ingest_date=2026-01-01"
    day.mkdir()
    ours = day / (file_name(PLACE, 1, (0,), (9,)) + ".part")
    other = day / (file_name(Place("kafka", "events", 1), 1, (0,), (9,)) + ".part")
    for path in (ours, other):
        path.write_text("half a fi")
    assert Lander(tmp_path, PLACE).open() == Landed()
    assert not ours.exists()
    assert other.exists()


def test_another_topic_id_is_another_topic(tmp_path: Path) -> None:
    lander = Lander(tmp_path, PLACE)
    lander.open("first")
    lander.land(1, None, [(0,), (1,)], lambda _: b"x")
    assert lander.open("first") == Landed((1,), 1, "first")
    assert lander.open("second") == Landed(None, 2, "second")
    assert "@2" in lander.land(2, None, [(0,)], lambda _: b"x").file
    assert lander.open("second") == Landed((0,), 2, "second")
    with pytest.raises(HoleError):
        lander.land(1, (1,), [(2,)], lambda _: b"x")


def test_the_record_is_compacted_and_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.streams.lander._COMPACT_ABOVE", 20_000)
    lander = Lander(tmp_path, PLACE)
    for offset in range(200):
        lander.land(1, (offset - 1,) if offset else None, [(offset,)], lambda _: b"x")
    [record] = (tmp_path / "_offsets").rglob("*.jsonl")
    assert record.stat().st_size < 30_000
    assert lander.open().last == (199,)


POSITIONS = st.one_of(
    st.tuples(st.integers(0, 10**15)),
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**7), st.integers(0, 10**5)),
)


@given(st.text(min_size=1, max_size=200), st.integers(0, 999), st.integers(1, 9), POSITIONS)
def test_names_can_be_read_back(topic: str, partition: int, generation: int, position: Position) -> None:
    place = Place("kafka", topic, partition)
    name = file_name(place, generation, position, position)
    assert len(name) <= 255
    assert not name.startswith((".", "_")), "such a file would not be seen"
    parsed = parse_name(name)
    assert parsed == (place.stem.rsplit("-", 1)[0], partition, generation, position, position)


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=12))
def test_the_newest_fact_or_finished_file_counts(lines: list[tuple[int, bool]]) -> None:
    record = [Line("begin" if begun else "landed", Landed((last,)), f"file{last}") for last, begun in lines]
    assert [parse_line(line.to_text()) for line in record] == record
    expected = Landed()
    for last, begun in lines:
        if not begun or last % 2:
            expected = Landed((last,))
    assert newest(record, lambda file: int(file[4:]) % 2 == 1) == expected


def test_a_torn_line_is_no_line() -> None:
    whole = Line("landed", Landed((5,)), "f").to_text()
    assert parse_line(whole[: len(whole) // 2]) is None


@given(
    st.none() | st.integers(0, 30), st.none() | st.integers(0, 30), st.sets(st.integers(0, 30), min_size=1)
)
def test_a_batch_that_lands_begins_where_landing_ended(
    last: int | None, after: int | None, offsets: set[int]
) -> None:
    positions = [(offset,) for offset in sorted(offsets) if after is None or offset > after]
    state = Landed(None if last is None else (last,))
    decision = decide(state, 1, None if after is None else (after,), positions)
    if after is not None and (last is None or after > last):
        assert decision.hole
    else:
        assert positions[decision.skip :] == [each for each in positions if last is None or each[0] > last]


def test_files_move_the_state_forward_only() -> None:
    assert with_files(Landed((5,), 2, "x"), [(1, (9,)), (2, (3,))]) == Landed((5,), 2, "x")
    assert with_files(Landed((5,), 1, "x"), [(1, (9,))]) == Landed((9,), 1, "x")


def test_a_file_that_was_cut_short_is_found_and_mended(tmp_path: Path) -> None:
    def rows(*offsets: int) -> bytes:
        return b"id,_topic,_partition,_offset,_key\n" + b"".join(
            b"x,events,0,%d,\n" % each for each in offsets
        )

    lander = Lander(tmp_path, PLACE)
    lander.open()
    first = lander.land(1, None, [(0,), (1,), (2,)], lambda skip: rows(0, 1, 2))
    second = lander.land(1, (2,), [(3,), (4,)], lambda skip: rows(3, 4))
    third = lander.land(1, (4,), [(5,)], lambda skip: rows(5))
    assert lander.torn() == []
    (tmp_path / first.file).write_bytes(rows(0, 1, 2)[:-4])
    corrected = rows(4).replace(b"x", b"y")  # by hand: shorter, but it reaches the end
    (tmp_path / second.file).write_bytes(corrected)
    (tmp_path / third.file).unlink()  # archived
    for reader in (lander, Lander(tmp_path, PLACE)):
        reader.open()
        assert [(torn.file, torn.first, torn.last) for torn in reader.torn()] == [(first.file, (0,), (2,))]
    lander.mend(lander.torn()[0], rows(0, 1, 2))
    assert (tmp_path / first.file).read_bytes() == rows(0, 1, 2)
    assert (tmp_path / "_torn" / Path(first.file).name).read_bytes() == rows(0, 1, 2)[:-4]
    assert lander.torn() == []
    assert lander.open() == Lander(tmp_path, PLACE).open() == Landed((5,))


def test_a_torn_file_that_cannot_be_mended_is_told_once(tmp_path: Path) -> None:
    lander = Lander(tmp_path, PLACE)
    lander.open()
    landing = lander.land(1, None, [(0,)], lambda skip: b"a,_partition,_offset,_key\nx,0,0,\n")
    (tmp_path / landing.file).write_bytes(b"a,_par")
    [torn] = lander.torn()
    lander.mend(torn, None)
    again = Lander(tmp_path, PLACE)
    again.open()
    assert again.torn() == lander.torn() == []
    assert (tmp_path / landing.file).read_bytes() == b"a,_par"

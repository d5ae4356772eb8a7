"""Files are whole and on disk before they have their name, and have their access from the first byte on."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from sluice import durable
from sluice.archive.store import Bundle
from sluice.classification.exchange import _write as write_answers
from sluice.deliver.lake.files import change_partitions
from sluice.deliver.noted import write_state
from sluice.deliver.sqlite.apply import apply_publication, prepare_staging
from sluice.deliver.sqlite.spec import Publication, Table
from sluice.ingest.landing import LandingZone
from sluice.ingest.segment import Segment, frame
from sluice.streams.lander import Lander
from sluice.streams.names import Place

SCRIPTS = Path(durable.__file__).resolve().parents[1]


@pytest.fixture(params=[0o022, 0o077, 0o002], ids=oct)
def umask(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The process was started with this umask, and has made itself private or not."""
    monkeypatch.setattr(durable, "_given_umask", None)
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("is_private", [False, True])
def test_files_are_made_with_their_access(tmp_path: Path, umask: int, is_private: bool) -> None:
    if is_private:
        durable.keep_private()
    durable.write(tmp_path / "own/deep/a", "x")
    durable.write(tmp_path / "all/deep/a", "x", is_public=True)
    durable.append(tmp_path / "own/log", b"x")
    durable.create(tmp_path / "own/empty")
    assert {mode(path) for path in (tmp_path / "own").rglob("*")} == {0o600, 0o700}
    assert mode(tmp_path / "all/deep/a") == 0o666 & ~umask
    assert mode(tmp_path / "all") == mode(tmp_path / "all/deep") == 0o777 & ~umask
    assert durable.child_umask() == umask


def test_private_files_are_never_open_to_others_while_they_are_written(tmp_path: Path, umask: int) -> None:
    with durable.Aside(tmp_path / "a") as aside:
        assert mode(aside.path) == 0o600
        aside.file.write(b"x")
    assert mode(tmp_path / "a") == 0o600


class Calls:
    """What was done to the disk, in order: ('fsync', file), ('rename', from, to). Renames keep what a descriptor stands for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[tuple[str, str]] = []
        self.synced: set[int] = set()
        self.unsynced: list[str] = []
        real_fsync, real_rename, real_replace, real_exchange = (
            os.fsync,
            os.rename,
            os.replace,
            durable.exchange,
        )

        def fsync(descriptor: int) -> None:
            self.synced.add(os.fstat(descriptor).st_ino)
            self.done.append(("fsync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
            real_fsync(descriptor)

        def moving(real: Callable) -> Callable:
            def move(source: str | Path, target: str | Path) -> None:
                files = [Path(source)] if Path(source).is_file() else list(Path(source).glob("*"))
                self.unsynced += [
                    f"{file} -> {target}" for file in files if file.stat().st_ino not in self.synced
                ]
                self.done.append(("rename", str(target)))
                real(source, target)

            return move

        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(os, "fdatasync", fsync)
        monkeypatch.setattr(os, "rename", moving(real_rename))
        monkeypatch.setattr(os, "replace", moving(real_replace))
        monkeypatch.setattr(durable, "exchange", moving(real_exchange))

    def last(self, name: str, path: Path) -> int:
        return max(place for place, call in enumerate(self.done) if call == (name, str(path)))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(monkeypatch)


def test_a_file_is_synced_then_renamed_then_its_folder_is_synced(tmp_path: Path, calls: Calls) -> None:
    durable.write(tmp_path / "a", "x")
    aside = str(tmp_path / ".a.sluice.tmp")
    assert calls.done == [("fsync", aside), ("rename", str(tmp_path / "a")), ("fsync", str(tmp_path))]


def staged(folder: Path, partition: str) -> Path:
    (folder / partition).mkdir(parents=True)
    parquet.write_table(pa.table({"x": [1]}), folder / partition / "data_0.parquet")
    return folder


def lake(root: Path) -> Path:
    """A partition that is new, one that gets a file beside its own, and the state in the end."""
    table = root / "lake/clean/orders"
    (root / "lake").mkdir()
    change_partitions(table, "data", {"": staged(root / "s/a", "d=1")}, None)
    parts = {"": root / "s/none", "-1": staged(root / "s/b", "d=1"), "-waiting": staged(root / "s/c", "d=1")}
    change_partitions(table, "data", parts, [], ["d=1"])
    change_partitions(table, "data", {"": staged(root / "s/d", "d=2")}, ["d=2"])
    write_state(root / "lake", {"warehouse_id": "w", "batches": {}})
    return root / "lake/.sluice.json"


def archive(root: Path) -> Path:
    bundle = Bundle(root / "archive/orders/ingest_date=2026-01-01/1.parquet")
    bundle.add("orders/ingest_date=2026-01-01/a.csv", "2026-01-01", 1, 1, [b"x\n"])
    bundle.finish()
    return bundle.target


def published(root: Path) -> Path:
    table = Table("items", (("id", "INTEGER"),), ("id",))
    what = Publication(
        (table,), {"build_id": "b", "published_at": "p", "contract_version": "1"}, is_public=True
    )
    prepare_staging(root / "published/.staging/a.db", what)
    apply_publication(root / "published/a.db", root / "published/.staging/a.db", what)
    return root / "published/a.db"


def ingested(root: Path) -> Path:
    zone = LandingZone(root / "ingest", root / "landing")
    zone.prepare()
    segment = Segment(zone.ingest, "20260101T000000000000Z")
    segment.append(frame(b"a\n", 1))
    segment.close()
    landed = zone.land(segment.path).path
    assert landed
    return landed


def streamed(root: Path) -> Path:
    lander = Lander(root / "landing/events", Place("kafka", "t", 0))
    lander.open()
    return root / "landing/events" / lander.land(1, None, [(0,)], lambda skip: b"x\n").file


def answered(root: Path) -> Path:
    write_answers(pa.record_batch({"x": [1]}), root / "answers-1.parquet")
    return root / "answers-1.parquet"


@pytest.mark.parametrize("write", [lake, archive, published, ingested, streamed, answered])
def test_whatever_is_renamed_is_on_disk_before(
    tmp_path: Path, calls: Calls, write: Callable[[Path], Path]
) -> None:
    last = write(tmp_path)
    assert last.exists() and calls.unsynced == []
    assert calls.last("fsync", last.parent) > calls.last("rename", last)


@pytest.mark.parametrize("write", [archive, ingested, streamed, answered])
def test_what_holds_raw_records_is_private(tmp_path: Path, umask: int, write: Callable[[Path], Path]) -> None:
    write(tmp_path)
    for path in tmp_path.rglob("*"):
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path


def test_what_everybody_reads_has_what_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    assert mode(published(tmp_path)) == 0o666 & ~umask
    lake(tmp_path)
    for path in (tmp_path / "lake/clean").rglob("*"):
        assert mode(path) == (0o777 if path.is_dir() else 0o666) & ~umask, path


def test_a_write_that_fails_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    durable.write(path, "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for step in ("fsync", "rename"):
        with monkeypatch.context() as patched:
            patched.setattr(os, step, fail)
            with pytest.raises(OSError, match="No space"):
                durable.write(path, "new")
        assert path.read_text() == "old" and [entry.name for entry in tmp_path.iterdir()] == ["a"]
    with pytest.raises(ValueError, match="x"), durable.Aside(path) as aside:
        aside.file.write(b"new")
        raise ValueError("x")
    assert path.read_text() == "old" and [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from sluice import durable\n"
        "aside = durable.Aside(Path(sys.argv[1])); aside.file.write(b'half'); aside.file.flush(); os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "a"
    subprocess.run([sys.executable, "-c", code, str(path)], env={**os.environ, "PYTHONPATH": str(SCRIPTS)})
    (left,) = durable.leftovers(tmp_path)
    assert left.read_bytes() == b"half" and left.name.startswith(".")
    durable.write(path, "x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with durable.Aside(path) as first, durable.Aside(path) as second:
        first.file.write(b"first")
        second.file.write(b"second")
        assert first.path != second.path
        assert not durable.remove_leftover(first.path)
    assert path.read_bytes() == b"first", "the last one to finish"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_an_exclusive_write_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content, is_new in ((b"one", True), (b"two", False)):
        aside = durable.Aside(path)
        aside.file.write(content)
        assert aside.finish(replace=False) is is_new
    assert path.read_bytes() == b"one" and [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_long_names_and_names_with_patterns(tmp_path: Path) -> None:
    for name in ("ü" * 127, "[a]*?", "a" * 255):
        durable.write(tmp_path / name, "x")
        durable.write(tmp_path / name, "y")
    assert len(list(tmp_path.iterdir())) == 3


def test_an_append_that_does_not_fit_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable.append(tmp_path / "a", b"one\n")
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:2]))
    with pytest.raises(OSError, match="No space"):
        durable.append(tmp_path / "a", b"two\n")
    assert (tmp_path / "a").read_bytes() == b"one\n"

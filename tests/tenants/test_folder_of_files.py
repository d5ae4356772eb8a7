"""The publisher of a folder of files by itself: names, stamps, readers, and what is left alone."""

import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sluice.deliver.sqlite import opening
from sluice.deliver.sqlite.apply import prepare_staging
from sluice.deliver.sqlite.spec import Publication, Table
from sluice.deliver.sqlite.state import note_published
from sluice.deliver.tenants.files import File, publish_files, published_files

EVENTS = Table(
    "events",
    (("event_id", "TEXT"), ("x", "INTEGER")),
    ("event_id",),
    "replace",
    ("event_id",),
    file_by="tenant_id",
)


def publication(batch: int, table: Table = EVENTS) -> Publication:
    build = {"build_id": f"b{batch}", "published_at": "2026-01-01T00:00:00Z", "contract_version": "1"}
    return Publication((table,), build)


class Folder:
    """A published folder, and a way to publish rows of (tenant, event, x) to it."""

    def __init__(self, root: Path) -> None:
        self.path, self.staging = root / "tenants", root / ".staging" / "tenants.db"

    def publish(
        self,
        batch: int,
        rows: Iterable[tuple[str, str, int]],
        keep: Iterable[str],
        changed: Iterable[tuple[str, str]] | None = None,
        table: Table = EVENTS,
    ) -> bool:
        """All rows of the tenants named, or, with `changed`, those of the changed keys."""
        rows, what = list(rows), publication(batch, table)
        prepare_staging(self.staging, what)
        with closing(sqlite3.connect(self.staging)) as staging, staging:
            staging.executemany("insert into events values (?, ?, ?)", rows)
            staging.executemany("insert into events__changed values (?, ?)", changed or ())
        names = {row[0] for row in rows} | {name for name, _ in changed or ()}
        files = [File(name, is_full=changed is None) for name in sorted(names)]
        done = publish_files(self.path, self.staging, what, files, list(keep))
        note_published(list(self.path.glob("*.db")))
        return done

    def rows(self, name: str, sql: str = "select * from events order by event_id") -> list[tuple]:
        with closing(sqlite3.connect(f"file:{self.path / name}.db?mode=ro", uri=True)) as db:
            return db.execute(sql).fetchall()

    def build(self, name: str) -> str:
        return self.rows(name, "select build_id from _build")[0][0]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_changed_rows_are_replaced_and_other_files_left_alone(folder: Folder) -> None:
    folder.publish(1, [("a", "e1", 1), ("a", "e2", 2), ("b", "e1", 1)], keep=["a", "b"])
    untouched = (folder.path / "b.db").read_bytes()
    folder.publish(2, [("a", "e2", 20), ("a", "e3", 3)], ["a", "b"], [("a", "e1"), ("a", "e2"), ("a", "e3")])
    assert folder.rows("a") == [("e2", 20), ("e3", 3)]
    assert published_files(folder.path) == {"a": True, "b": True}
    assert (folder.path / "b.db").read_bytes() == untouched
    assert folder.rows("a", "select build_id from _build") == [("b2",)]
    assert folder.rows("a", "pragma journal_mode") == [("wal",)]
    assert (folder.path.stat().st_mode & 0o777, (folder.path / "a.db").stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )


def test_a_file_that_is_as_it_should_be_keeps_its_build(folder: Folder) -> None:
    folder.publish(1, [("a", "e1", 1)], keep=["a"])
    folder.publish(2, [("a", "e1", 1)], keep=["a"])
    assert folder.rows("a", "select build_id from _build") == [("b1",)]


def test_files_of_no_tenant_are_removed_with_their_companions(folder: Folder) -> None:
    folder.publish(1, [("a", "e1", 1), ("b", "e1", 1)], keep=["a", "b"])
    (folder.path / "b.db-wal").touch()
    (folder.path / "notes.txt").touch()
    folder.publish(2, [], keep=["a"])
    assert sorted(path.name for path in folder.path.iterdir()) == [".sluice.json", "a.db", "notes.txt"]


def test_a_reader_keeps_its_state_and_holds_nothing_up(folder: Folder) -> None:
    folder.publish(1, [("a", "e1", 1)], keep=["a"])
    with closing(sqlite3.connect(folder.path / "a.db", isolation_level=None)) as reader:
        reader.execute("begin")
        assert reader.execute("select count(*) from events").fetchone() == (1,)
        began = time.monotonic()
        folder.publish(2, [("a", "e2", 2)], ["a"], [("a", "e2")])
        assert time.monotonic() - began < 30
        assert reader.execute("select count(*) from events").fetchone() == (1,)
        assert published_files(folder.path) == {"a": True}, "the write-ahead log is part of the stamp"
        reader.execute("commit")
        assert reader.execute("select count(*) from events").fetchone() == (2,)


def test_another_layout_is_made_in_place(folder: Folder) -> None:
    folder.publish(1, [("a", "e1", 1)], keep=["a"])
    folder.publish(1, [("a", "e1", 1)], keep=["a"], table=replace(EVENTS, indexes=(("x",),)))
    assert folder.rows("a", "select name from sqlite_master where type = 'index' and sql is not null") == [
        ("events_by_x",)
    ]


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _garble(path: Path) -> None:
    """Every page but the first two, which tell what tables there are."""
    path.write_bytes(path.read_bytes()[:8192] + b"\xff" * (path.stat().st_size - 8192))


def _become_a_folder(path: Path) -> None:
    path.unlink()
    (path / "of somebody").mkdir(parents=True)


DAMAGE = {
    "absent": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "truncated": _truncate,
    "garbled": _garble,
    "no database": lambda path: path.write_bytes(b"no database" * 1000),
    "a folder": _become_a_folder,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_made_again(folder: Folder, damage: Callable[[Path], object]) -> None:
    """With all of its rows at once, when it is seen to be touched; and when it is found while changes are written."""
    rows = [("a", f"e{n:04}", n) for n in range(1000)]
    folder.publish(1, [*rows, ("b", "e1", 1)], keep=["a", "b"])
    damage(folder.path / "a.db")
    assert published_files(folder.path).get("a") is not True
    assert folder.publish(2, rows, keep=["a", "b"])
    assert folder.rows("a") == [row[1:] for row in rows]

    damage(folder.path / "a.db")
    if damage in (_truncate, _garble):
        changed = [("a", f"e{n:04}") for n in range(0, 1000, 50)]
        note_published([folder.path / "a.db"])  # as if nothing told that it was touched
        assert not folder.publish(3, [row for row in rows if row[1:2] in changed], ["a", "b"], changed)
        assert not (folder.path / "a.db").exists()
    assert folder.publish(3, rows, keep=["a", "b"])
    assert folder.rows("a") == [row[1:] for row in rows]


def test_a_new_file_never_meets_an_old_write_ahead_log(folder: Folder) -> None:
    folder.publish(1, [("a", "e1", 1)], keep=["a"])
    path = folder.path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select * from events").fetchall()
        folder.publish(2, [("a", "e1", 2), ("a", "e2", 2)], keep=["a"])
        log = Path(f"{path}-wal")
        assert log.stat().st_size > 0
        path.unlink()
        folder.publish(3, [("a", "e3", 3)], keep=["a"])
        assert folder.rows("a") == [("e3", 3)] and folder.rows("a", "pragma integrity_check") == [("ok",)]


@pytest.mark.parametrize("name", ["../x", "a/b", "A", "", ".", "a.b", "a" * 65, "ü", "a\n", "x'--"])
def test_no_other_name_reaches_a_path(folder: Folder, name: str) -> None:
    folder.publish(1, [("a", "e1", 1)], keep=["a"])
    before = sorted(folder.path.parent.rglob("*"))
    with pytest.raises(ValueError, match="nothing was published"):
        folder.publish(2, [("a", "e2", 2), (name, "e1", 1)], keep=["a", name])
    assert {path for path in folder.path.parent.rglob("*") if ".staging" not in path.parts} <= set(before)
    assert folder.build("a") == "b1"


def test_files_that_are_written_at_the_same_time_do_not_lock_what_they_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_SECONDS", 0.1)
    folder = Folder(tmp_path)
    folder.publish(1, [("acme", "a", 1)], ["acme"])
    prepare_staging(folder.staging, publication(2))
    with closing(sqlite3.connect(folder.staging, isolation_level=None)) as another:
        another.execute("insert into events values ('acme', 'a', 2)")
        another.execute("insert into events__changed values ('acme', 'a')")
        another.execute("begin immediate")
        publish_files(folder.path, folder.staging, publication(2), [File("acme", is_full=False)], ["acme"])
        another.execute("rollback")
    assert folder.rows("acme") == [("a", 2)]

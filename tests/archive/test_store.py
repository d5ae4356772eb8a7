"""What goes into the archive comes out again, byte by byte; and a killed run loses nothing and doubles nothing."""

import datetime as dt
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from landing.packers import PACKERS

from sluice.archive import move
from sluice.archive.__main__ import main
from sluice.archive.move import archive_files, old_files, settle_leavings
from sluice.archive.store import ArchiveError, Bundle, list_archive, read_lines
from sluice.archive.upkeep import compact_published, compact_warehouse, free_bytes, is_much
from sluice.landing.listing import list_landing_files

CONTENTS = [
    b"a,b\n1,2\n",
    b'a,b\r\n1,"x\r\ny"\r\n',
    b"a\n\xff\xfe\n\n",
    "a,b\n1,ü\n".encode("utf-16"),
    b"no end",
    b"",
]


@given(
    st.lists(st.binary(max_size=50) | st.sampled_from(CONTENTS), min_size=1, max_size=5), st.integers(1, 7)
)
def test_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], block: int) -> None:
    folder = tmp_path_factory.mktemp("store")
    bundle = Bundle(folder / "orders/ingest_date=2026-01-01/x.parquet")
    for number, content in enumerate(contents):
        blocks = (content[at : at + block] for at in range(0, len(content), block))
        bundle.add(f"orders/{number}.csv", "2026-01-01", len(content), number, blocks)
    bundle.finish()
    found = {entry.file: b"".join(read_lines(entry)) for entry in list_archive(folder)}
    assert found == {f"orders/{number}.csv": content for number, content in enumerate(contents)}


def landed(landing: Path, *names: str) -> dict[str, tuple[str, int, int]]:
    """Files with these names, and the ledger of a build that loaded them."""
    for name in names:
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        (landing / name).write_text(f"customer_id\n{name}\n")
    return {
        entry.file: (entry.file.split("=")[1][:10], entry.size_bytes, entry.modified_ns)
        for entry in list_landing_files(landing)
    }


OLD, NEW = "customers/ingest_date=2026-01-01/a.csv", "customers/ingest_date=2026-02-01/b.csv"
BEFORE = dt.date(2026, 1, 31)


def test_only_old_files_whose_version_is_loaded_are_moved(tmp_path: Path) -> None:
    ledger = landed(
        tmp_path, OLD, NEW, "customers/ingest_date=2026-01-01/c.csv", "orders/ingest_date=2026-01-01/d.csv"
    )
    os.utime(tmp_path / "customers/ingest_date=2026-01-01/c.csv", (1, 1))
    landed(tmp_path, "customers/ingest_date=2026-01-01/never_loaded.csv")
    files = old_files(tmp_path, ledger, BEFORE, None)
    assert [file.entry.file for file in files] == [OLD, "orders/ingest_date=2026-01-01/d.csv"]
    assert [file.entry.file for file in old_files(tmp_path, ledger, BEFORE, "customers")] == [OLD]


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("step", ["finish", "rename", "unlink"])
def test_a_run_killed_at_any_step_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    landing, archive = tmp_path / "landing", tmp_path / "archive"
    ledger = landed(landing, OLD, NEW)
    with monkeypatch.context() as patch:
        target = Bundle if step == "finish" else Path
        original = getattr(target, step)

        def killed(self: object, *arguments: object, **options: object) -> object:
            if step == "finish" or ".leaving" in str(self) + str(arguments):
                raise KilledError
            return original(self, *arguments, **options)

        patch.setattr(target, step, killed)
        with pytest.raises(KilledError):
            archive_files(old_files(landing, ledger, BEFORE, None), landing, archive, lambda file: None)
    settle_leavings(landing, archive)
    held = {entry.file for entry in list_archive(archive)}
    assert (landing / OLD).exists() or OLD in held
    archive_files(old_files(landing, ledger, BEFORE, None), landing, archive, lambda file: None)
    assert not (landing / OLD).exists() and (landing / NEW).exists()
    assert [b"".join(read_lines(entry)) for entry in list_archive(archive)] == [
        f"customer_id\n{OLD}\n".encode()
    ]
    assert not list(landing.rglob(".*")) and not list(archive.rglob(".*"))
    assert len(list(archive.rglob("*.parquet"))) == 1


def test_a_version_that_comes_while_its_predecessor_leaves_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing, archive = tmp_path / "landing", tmp_path / "archive"
    files = old_files(landing, landed(landing, OLD), BEFORE, None)
    finish = Bundle.finish

    def late(bundle: Bundle) -> list:
        (landing / OLD).write_text("customer_id\nanother version\n")
        return finish(bundle)

    monkeypatch.setattr(Bundle, "finish", late)
    assert archive_files(files, landing, archive, lambda file: None) == 0
    assert (landing / OLD).read_text() == "customer_id\nanother version\n"


@pytest.mark.parametrize("kind", PACKERS)
def test_compressed_files_are_archived_as_what_they_hold(kind: str, tmp_path: Path) -> None:
    landing, archive = tmp_path / "landing", tmp_path / "archive"
    data = b"customer_id,note\r\n" + b"1,\xff\n" * 200_000
    landed(landing, OLD)
    (landing / OLD).write_bytes(PACKERS[kind](data))
    ledger = landed(landing)
    assert archive_files(old_files(landing, ledger, BEFORE, None), landing, archive, lambda file: None) == 1
    assert [b"".join(read_lines(entry)) for entry in list_archive(archive)] == [data]


def test_a_file_that_is_broken_by_now_stays_and_is_named(tmp_path: Path) -> None:
    landing, archive = tmp_path / "landing", tmp_path / "archive"
    landed(landing, OLD)
    (landing / OLD).write_bytes(PACKERS["gzip"](b"customer_id\n")[:-3])
    files = old_files(landing, landed(landing), BEFORE, None)
    with pytest.raises(ArchiveError, match=f"{OLD} cannot be archived. The gzip data ends too early"):
        archive_files(files, landing, archive, lambda file: None)
    assert (landing / OLD).exists() and not list(archive.rglob("*.parquet"))


def test_other_content_of_the_same_size_and_time_is_another_version(tmp_path: Path) -> None:
    """Neither an archived copy nor a listing made before stands for it."""
    landing, archive = tmp_path / "landing", tmp_path / "archive"
    landed(landing, OLD)
    os.utime(landing / OLD, (5, 5))
    files = old_files(landing, landed(landing), BEFORE, None)
    text = (landing / OLD).read_text()
    assert archive_files(files, landing, archive, lambda file: None) == 1
    for content in (text.replace("a.csv", "A.csv"), text.replace("a.csv", "B.csv")):
        (landing / OLD).parent.mkdir(parents=True, exist_ok=True)
        (landing / OLD).write_text(content)
        os.utime(landing / OLD, (5, 5))
        files = old_files(landing, landed(landing), BEFORE, None)
        if "B.csv" in content:
            (landing / OLD).write_text(text.replace("a.csv", "C.csv"))
            os.utime(landing / OLD, (5, 5))
            moment = files
    assert archive_files(moment, landing, archive, lambda file: None) == 0
    assert "C.csv" in (landing / OLD).read_text()
    files = old_files(landing, landed(landing), BEFORE, None)
    assert archive_files(files, landing, archive, lambda file: None) == 1
    assert [b"C.csv" in b"".join(read_lines(entry)) for entry in list_archive(archive)] == [True]


class Clock(dt.datetime):
    """A clock that is set by hand."""

    instant = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
        return cls.instant


@pytest.mark.parametrize("step", [dt.timedelta(days=-3), dt.timedelta(0), dt.timedelta(microseconds=5)])
def test_the_newer_copy_counts_where_the_clock_steps_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: dt.timedelta
) -> None:
    landing, archive = tmp_path / "landing", tmp_path / "archive"
    monkeypatch.setattr(move, "dt", SimpleNamespace(datetime=Clock, UTC=dt.UTC, timedelta=dt.timedelta))
    for text in ("first", "second", "third"):
        landed(landing, OLD)
        (landing / OLD).write_text(text)
        files = old_files(landing, landed(landing), BEFORE, None)
        assert archive_files(files, landing, archive, lambda file: None) == 1
        assert [b"".join(read_lines(entry)) for entry in list_archive(archive)] == [text.encode()]
        monkeypatch.setattr(Clock, "instant", Clock.instant + step)
    assert len(list(archive.rglob("*.parquet"))) == 3, "no copy took the place of another"


def test_many_files_share_few_bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landing, archive = tmp_path / "landing", tmp_path / "archive"
    names = [f"customers/ingest_date=2026-01-01/{number}.csv" for number in range(20)]
    ledger = landed(landing, *names)
    monkeypatch.setattr(move, "BUNDLE_BYTES", 500)
    assert archive_files(old_files(landing, ledger, BEFORE, None), landing, archive, lambda file: None) == 20
    assert 2 <= len(list(archive.rglob("*.parquet"))) < 20
    assert [entry.file for entry in list_archive(archive)] == sorted(names)
    assert not (landing / "customers/ingest_date=2026-01-01").exists()


def test_a_broken_bundle_is_named(tmp_path: Path) -> None:
    (tmp_path / "ingest_date=2026-01-01").mkdir()
    (tmp_path / "ingest_date=2026-01-01/x.parquet").write_text("not Parquet")
    with pytest.raises(ArchiveError, match=r"x\.parquet cannot be read .* backup"):
        list_archive(tmp_path)


def test_free_space_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as warehouse:
        warehouse.execute("create schema state; create sequence state.ids; create view v as select 1 as x")
        warehouse.execute("create table t as select range as i, md5(range::varchar) as m from range(500000)")
        last = warehouse.execute("select nextval('state.ids')").fetchall()[0][0]
        assert not is_much(*free_bytes(warehouse), least=1 << 20)
        warehouse.execute("create table u as select * from t where i % 100 = 0; drop table t")
        assert is_much(*free_bytes(warehouse), least=1 << 20)
        assert compact_warehouse(warehouse, path) > 1 << 20
    with duckdb.connect(str(path)) as warehouse:
        assert warehouse.execute("select count(*), max(x) from u, v").fetchall() == [(5000, 1)]
        assert warehouse.execute("select nextval('state.ids')").fetchall()[0][0] > last
    database = tmp_path / "sluice.db"
    with sqlite3.connect(database) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("create table t (i integer, x blob)")
        db.executemany("insert into t values (?, randomblob(100))", ((n,) for n in range(50_000)))
        db.execute("delete from t where i >= 100")
    assert compact_published(database, least=1 << 20) > 1 << 20
    assert sqlite3.connect(database).execute("select count(*) from t").fetchone() == (100,)


def test_deleted_rows_are_nowhere_in_a_file_that_was_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "operations.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma secure_delete = off")
        db.execute("create table quarantine (raw_record text)")
        db.executemany("insert into quarantine values (?)", [("jane@example.org",), ("john@example.org",)])
        db.commit()
        db.execute("pragma wal_checkpoint(truncate)")
        db.execute("delete from quarantine where raw_record like 'jane%'")
        db.commit()
    assert b"jane@example.org" in path.read_bytes()
    compact_published(path)
    assert b"jane@example.org" in path.read_bytes(), "little is free: not worth it"
    compact_published(path, always=True)
    assert not any(b"jane@" in file.read_bytes() for file in tmp_path.iterdir())
    assert b"john@example.org" in path.read_bytes()


@pytest.mark.parametrize("wrong", [[], ["--older-than", "soon"], ["--drop-older-than", "-1"], ["--dry-run"]])
def test_wrong_usage(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(wrong)
    assert stopped.value.code == 2

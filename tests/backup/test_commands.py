"""scripts/backup and scripts/restore: what they refuse, what they promise, and how they end."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from sluice.backup import __main__ as backup_command
from sluice.backup import copy
from sluice.backup.__main__ import main as backup
from sluice.backup.restore import main as restore

FILES = (
    "landing/orders/a.csv",
    "landing/orders/_offsets/t-0.json",
    "lake/clean/orders/d=1/data.parquet",
    "archive/orders/ingest_date=2026-01-01/x.parquet",
    "reports/a.json",
    "streams/gaps.jsonl",
    "ingest/segment",
    "pii.key",
    "published/tenants/acme.db",
    "work/spill/scratch",
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data home with something of every part, made by hand."""
    root = tmp_path / "home"
    for name in ("SLUICE_LANDING", "SLUICE_PUBLISHED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLUICE_HOME", str(root))
    monkeypatch.setenv("SLUICE_WAIT_SECONDS", "20")
    for file in FILES:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(f"content of {file}\n")
    (root / "pii.key").chmod(0o600)
    (root / "published" / "tenants").chmod(0o700)
    with duckdb.connect(str(root / "warehouse.duckdb")) as warehouse:
        warehouse.execute("create schema state; create table state.current_loads (file varchar)")
        warehouse.execute("insert into state.current_loads values ('orders/a.csv'), ('orders/gone.csv')")
    with closing(sqlite3.connect(root / "published" / "sluice.db")) as db, db:
        db.execute("create table t (x)")
    return root


def files(root: Path) -> dict[str, tuple]:
    """Content, modification time and mode of every file, and the modes of folders; without the lock of the warehouse."""
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
        if path.is_file()
        else (path.stat().st_mode,)
        for path in root.rglob("*")
        if path.name != "warehouse.duckdb.lock"
    }


def test_what_is_backed_up_comes_back(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "backups" / "one"
    assert backup([str(folder)]) == 0
    assert folder.stat().st_mode & 0o777 == 0o700 and not (folder / "work").exists()
    before = {name: found for name, found in files(root).items() if not name.startswith("work")}
    shutil.rmtree(root)
    capsys.readouterr()
    assert restore([str(folder)]) == 0
    said = capsys.readouterr().out
    assert files(root) == before
    assert "Next: dbt build" in said
    assert "1 files that the warehouse has loaded are neither" in said and "orders/gone.csv" in said


def test_a_home_that_holds_something_is_left_alone(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "one"
    assert backup([str(folder)]) == 0
    (root / "lake" / "new.parquet").write_text("newer")
    (root / "warehouse.duckdb.wal").write_text("of the newer warehouse")
    before = files(root)
    assert restore([str(folder)]) == 1
    assert "lake" in capsys.readouterr().err and files(root) == before
    assert restore([str(folder), "--replace", "--part", "lake", "--part", "warehouse.duckdb"]) == 0
    assert not (root / "lake" / "new.parquet").exists() and not (root / "warehouse.duckdb.wal").exists()
    [moved] = root.glob("replaced_*")
    assert sorted(path.name for path in moved.iterdir()) == [
        "lake",
        "warehouse.duckdb",
        "warehouse.duckdb.wal",
    ]
    assert (moved / "lake" / "new.parquet").read_text() == "newer"
    with pytest.raises(SystemExit) as ended:
        restore([str(folder), "--part", "nothing"])
    assert ended.value.code == 2 and "it holds" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["gone", "shorter", "changed", "no manifest", "another manifest"])
def test_a_damaged_backup_changes_nothing(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    folder = tmp_path / "one"
    assert backup([str(folder)]) == 0
    shutil.rmtree(root)
    file = folder / "archive" / "orders" / "ingest_date=2026-01-01" / "x.parquet"
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    elif damage == "no manifest":
        (folder / "backup.json").unlink()
    elif damage == "another manifest":
        manifest = json.loads((folder / "backup.json").read_text())
        manifest["files"] = {"../outside": manifest["files"]["pii.key"]}
        (folder / "backup.json").write_text(json.dumps(manifest))
    else:
        file.write_bytes(content[:-1] if damage == "shorter" else bytes([content[0] ^ 1]) + content[1:])
    assert restore([str(folder)]) == 1
    said = capsys.readouterr().err
    assert str(file if damage in ("gone", "shorter", "changed") else folder) in said
    assert not root.exists() or not any(root.iterdir())


@pytest.mark.parametrize("folder", ["home", "home/landing/here", "home/lake", "."])
def test_folders_that_are_copied_are_refused(root: Path, tmp_path: Path, folder: str) -> None:
    with pytest.raises(SystemExit) as ended:
        backup([str(tmp_path / folder)])
    assert ended.value.code == 2


def test_a_folder_with_something_in_it_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "notes.txt").touch()
    assert backup([str(tmp_path / "one")]) == 1
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["notes.txt"]
    assert not list(tmp_path.glob(".one*"))


def test_a_file_that_is_being_written_is_copied_whole_or_not_at_all(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    grown, settled = root / "landing" / "orders" / "grown.csv", root / "landing" / "orders" / "settled.csv"
    for path in (grown, settled):
        path.write_text("a,b\n")
    copied: list[str] = []
    copy2 = shutil.copy2

    def while_it_is_written(source: Path, target: Path) -> None:
        copy2(source, target)
        copied.append(Path(source).name)
        if Path(source) == grown or (Path(source) == settled and copied.count("settled.csv") == 1):
            with Path(source).open("a") as file:
                file.write("1,2\n")

    monkeypatch.setattr(copy.shutil, "copy2", while_it_is_written)
    assert backup([str(tmp_path / "one")]) == 1
    assert f"{grown} kept changing" in capsys.readouterr().err
    assert not (tmp_path / "one/landing/orders/grown.csv").exists()
    assert (tmp_path / "one/landing/orders/settled.csv").read_text() == "a,b\n1,2\n"
    assert copied.index("t-0.json") < copied.index("a.csv"), "what says where streams end is copied first"


def test_builds_and_backups_wait_for_each_other(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup begins when a running build has ended, and a build that begins meanwhile does not change what is copied."""
    code = (
        "import sys, time, duckdb; w = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(1.5);"
        " w.execute('create table ended as select 1'); w.close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, root / "warehouse.duckdb"], stdout=subprocess.PIPE
    ) as build:
        assert build.stdout
        build.stdout.readline()
        assert backup([str(tmp_path / "one")]) == 0
    with duckdb.connect(str(tmp_path / "one" / "warehouse.duckdb"), read_only=True) as copied:
        assert copied.execute("from ended").fetchall() == [(1,)]

    monkeypatch.setenv("SLUICE_WAIT_SECONDS", "0")
    with subprocess.Popen(
        [sys.executable, "-c", code, root / "warehouse.duckdb"], stdout=subprocess.PIPE
    ) as build:
        assert build.stdout
        build.stdout.readline()
        assert backup([str(tmp_path / "two")]) == 1
    assert not (tmp_path / "two").exists()

    held: list[int] = []
    copy_part = backup_command._copy_part

    def look(part: object, aside: Path) -> list[Path]:
        another = "import sys, duckdb; duckdb.connect(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", another, root / "warehouse.duckdb"], capture_output=True)
        held.append(done.returncode)
        return copy_part(part, aside)

    monkeypatch.setattr(backup_command, "_copy_part", look)
    assert backup([str(tmp_path / "three")]) == 0
    assert held == [1] * 5 + [0] * 4, "builds wait while their own files are copied, not while landing is"


def test_a_killed_backup_leaves_no_backup(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_command, "write_manifest", lambda *_: os._exit(9))
    child = os.fork()
    if not child:
        backup([str(tmp_path / "one")])
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not (tmp_path / "one").exists()
    monkeypatch.undo()
    os.environ["SLUICE_HOME"] = str(root)
    assert backup([str(tmp_path / "one")]) == 0 and not list(tmp_path.glob(".one*"))

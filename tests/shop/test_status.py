"""scripts/status over published files made by hand, without any build."""

# ruff: noqa: E501 - rows of test tables stay on one line

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from sluice.holder import warehouse_holder
from sluice.status.__main__ import main

MODIFIED = 1_768_000_000
MODIFIED_AT = "2026-01-09T23:06:40.000000Z"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SLUICE_LANDING", "SLUICE_PUBLISHED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    return tmp_path


def _publish(home: Path, files: list[tuple] = (), alerts: list[tuple] = ()) -> None:
    (home / "published").mkdir(exist_ok=True)
    with closing(sqlite3.connect(home / "published" / "operations.db")) as db:
        db.execute(
            "create table file_loads (file, status, size_bytes, modified_at, error, loaded_at, content_hash, encoding,"
            " is_encoding_guessed, skipped_lines, header_kind, date_order, is_date_order_assumed, decimal, note)"
        )
        named = "file, status, size_bytes, modified_at, error, encoding"
        db.executemany(f"insert into file_loads ({named}) values (?, ?, ?, ?, ?, 'utf-8')", files)
        db.execute(
            "create table pipeline_runs (run_id, started_at, status, seconds, files_loaded, records_read)"
        )
        db.execute("insert into pipeline_runs values ('r', '2026-01-10T00:00:00Z', 'success', 1.5, 2, 30)")
        db.commit()
    with closing(sqlite3.connect(home / "published" / "sluice.db")) as db:
        db.execute("create table _build as select 'now' as published_at")
        db.execute("create table alerts (ingest_date, alert, feed, severity, message)")
        db.executemany("insert into alerts values (?, ?, ?, ?, ?)", alerts)
        db.execute(
            "create table hourly_events as select 'orders' as feed, '2026-01-09' as event_date, 7 as hour"
        )
        db.execute(
            "create table daily_metrics as select 'orders' as feed, '2026-01-09' as ingest_date, 30 as records_read,"
            " 28 as clean_count, 2 as quarantined_count"
        )
        db.commit()


def _land(home: Path, file: str, content: str = "order_id\n1\n") -> int:
    path = home / "landing" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (MODIFIED, MODIFIED))
    return len(content)


def test_pending_says_what_would_be_read_and_why(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("known", "grown", "locked", "broken", "new")
    files = {name: f"orders/ingest_date=2026-01-0{number}/{name}.csv" for number, name in enumerate(names, 1)}
    size = max(_land(home, file) for file in files.values())
    for other in (
        "orders/ingest_date=2026-13-01/a.csv",
        "returns/a.csv",
        "orders/ingest_date=2026-01-01/a.pdf",
        "orders/a.csv.part",
    ):
        _land(home, other)
    _publish(home, [
        (files["known"], "loaded", size, MODIFIED_AT, None),
        (files["grown"], "loaded", size - 1, MODIFIED_AT, None),
        (files["locked"], "failed", size, MODIFIED_AT, "The file could not be opened: Permission denied."),
        (files["broken"], "failed", size, MODIFIED_AT, "No known name in the header"),
        (files["broken"], "loaded", size - 2, MODIFIED_AT, None),
    ])  # fmt: skip
    before = sorted(home.rglob("*"))
    assert main(["--pending"]) == 0
    assert [line.split()[0::3] for line in capsys.readouterr().out.splitlines()[:-1]] == [
        ["changed", files["grown"]], ["retry", files["locked"]], ["new", files["new"]]
    ]  # fmt: skip
    assert sorted(home.rglob("*")) == before
    assert main(["--pending", "--start-date", "2026-01-01", "--end-date", "2026-01-02"]) == 0
    out = capsys.readouterr().out
    assert out.count("again") == 2 and "2 files" in out


def test_everything_is_pending_before_the_first_build(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _land(home, "orders/a.csv")
    assert main(["--pending"]) == 0
    assert "1 files" in capsys.readouterr().out


@pytest.mark.parametrize(("severity", "code"), [("critical", 1), ("warning", 1), ("info", 0), (None, 0)])
def test_alerts_are_an_exit_code(
    home: Path, capsys: pytest.CaptureFixture[str], severity: str | None, code: int
) -> None:
    _publish(
        home, alerts=[("2026-01-09", "file_failed", "orders", severity, "what happened")] if severity else []
    )
    assert main(["--alerts"]) == code
    assert ("what happened" in capsys.readouterr().out) == (severity is not None)


def test_alerts_of_the_newest_dates_only(home: Path) -> None:
    _publish(home, alerts=[("2026-01-01", "file_failed", "orders", "critical", "long ago")])
    assert main(["--alerts", "--days", "1"]) == 0
    assert main(["--alerts", "--days", "2"]) == 1


def test_the_summary_tells_of_run_files_feeds_and_alerts(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _publish(
        home,
        [("a", "loaded", 1, MODIFIED_AT, None)],
        [("2026-01-01", "file_failed", "orders", "critical", "x")],
    )
    assert main([]) == 0
    out = capsys.readouterr().out
    for part in ("success in 1.5 s: 2 files, 30 records", "1 loaded", "2026-01-09 07:00", "1 critical"):
        assert part in out


def test_nothing_published_is_a_failure(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1 and main(["--alerts"]) == 1
    assert "dbt build" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--pending", "--alerts"], ["--days", "1"], ["--alerts", "--days", "0"], ["--start-date", "2026-01-01"],
                                   ["--pending", "--start-date", "soon"], ["--pending", "--end-date", "2026-01-01"]])  # fmt: skip
def test_wrong_usage(home: Path, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(wrong)
    assert stopped.value.code == 2


def test_who_holds_the_warehouse(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    assert warehouse_holder(warehouse) is None
    duckdb.connect(str(warehouse)).close()
    assert warehouse_holder(warehouse) is None
    code = f"import duckdb; c = duckdb.connect({str(warehouse)!r}); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        assert (warehouse_holder(warehouse) or "").startswith(f"process {other.pid} (-c import duckdb; ")
        other.communicate(b"\n")

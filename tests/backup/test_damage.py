"""Files that are deleted, overwritten or rotten: recognised, made again from the warehouse, and said in a sentence."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pyarrow import parquet
from tests.backup.mix_kit import LANDING, deliver, flip, outcome
from tests.pipeline.harness import DataHome

from sluice.archive.__main__ import main as archive
from sluice.stamps import is_sound

pytestmark = pytest.mark.slow  # several builds each


@pytest.fixture(scope="module")
def expected(shared_home: DataHome) -> dict[str, object]:
    """What a clean build makes of the files of the time `new`."""
    shared_home.clear()
    deliver(shared_home, LANDING["new"], "new")
    shared_home.build()
    return outcome(shared_home)


def differing(home: DataHome, expected: dict[str, object]) -> set[str]:
    found = outcome(home)
    return {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)}


def in_place(path: Path, damage: bytes, offset: int) -> None:
    """Overwrite bytes as a failing disk does: size and modification time stay."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(damage)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("name", ["sluice", "operations", "tenants/acme"])
def test_a_file_that_is_deleted_under_its_write_ahead_log_is_made_again(
    expected: dict[str, object], home: DataHome, name: str
) -> None:
    """A reader keeps the log from being emptied, and the file is deleted: a new file must not meet the old log."""
    deliver(home, LANDING["old"], "old")
    home.build()
    path = home.root / "published" / f"{name}.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select * from _build").fetchall()
        deliver(home, LANDING["new"], "new")
        home.build()
        log = path.with_name(path.name + "-wal")
        assert log.stat().st_size > 0
        shutil.copy(log, home.root / "old-wal")
        path.unlink()
        reader.execute("rollback")
    shutil.copy(home.root / "old-wal", log)  # SQLite removed it with the reader; a killed process would not
    home.build()
    assert is_sound(path)
    assert differing(home, expected) == set()


def test_what_rots_without_a_trace_is_found_when_it_is_written(
    expected: dict[str, object], home: DataHome, capfd: pytest.CaptureFixture[str]
) -> None:
    deliver(home, LANDING["old"], "old")
    home.build()
    files = [home.root / "published" / f"{name}.db" for name in ("sluice", "operations", "tenants/acme")]
    for path in files:
        in_place(path, b"\xff" * (path.stat().st_size - 4096), 4096)
        assert not is_sound(path)
    deliver(home, LANDING["new"], "new")
    capfd.readouterr()
    home.build()
    said = capfd.readouterr().err
    assert all(path.name in said for path in files) and "is damaged; it is made again" in said
    assert all(is_sound(path) for path in files)
    assert differing(home, expected) == set()


def test_what_was_touched_is_compared_whole_and_said(
    expected: dict[str, object], home: DataHome, capfd: pytest.CaptureFixture[str]
) -> None:
    """Somebody edits published files, the lake and a report; nothing new arrives."""
    deliver(home, LANDING["new"], "new")
    home.build()
    for name in ("sluice", "tenants/acme"):
        with closing(sqlite3.connect(home.root / "published" / f"{name}.db")) as db, db:
            table = "orders" if name == "sluice" else "events"
            db.execute(f"delete from {table}")
    [flip(path) for path in (home.root / "lake/clean/orders").rglob("*.parquet")]
    [path.unlink() for path in (home.root / "lake/clean/customers").rglob("*.parquet")]
    report = next((home.root / "reports").rglob("validation_report.json"))
    report.write_text("{}")
    capfd.readouterr()
    home.build()
    said = capfd.readouterr()
    for words in ("sluice.db is not as the last build left it", "1 files in", f"{report} is not as"):
        assert words in said.err
    for words in ("lake/clean/orders is not as", "lake/clean/customers is not as"):
        assert words in said.out
    assert "operations.db is" not in said.err and "clean/product_events is" not in said.out
    assert differing(home, expected) == set()
    capfd.readouterr()
    home.build()
    assert "is not as" not in "".join(capfd.readouterr())


def test_the_remedy_for_a_damaged_warehouse_helps(
    expected: dict[str, object], home: DataHome, capfd: pytest.CaptureFixture[str]
) -> None:
    """Blocks that DuckDB reads in the middle of a build; and rows come back from landing and archive."""
    deliver(home, LANDING["old"], "old")
    home.build()
    assert archive(["--older-than", "0"]) == 0
    warehouse = home.root / "warehouse.duckdb"
    whole = warehouse.read_bytes()
    for start in range(4096 * 3 + (1 << 18), len(whole), 1 << 18):
        in_place(warehouse, b"\xff" * 4096, min(start + 100, len(whole) - 4096))
    deliver(home, LANDING["new"], "new")
    capfd.readouterr()
    result = home.build("--full-refresh", expect_success=False)
    said = capfd.readouterr()
    assert not result.success
    assert "move it away (mv" in said.err + said.out + str(result.exception)
    warehouse.rename(f"{warehouse}.damaged")
    Path(f"{warehouse}.wal").write_bytes(b"of the damaged one")
    home.build()
    assert differing(home, expected) == set()


def test_an_unreadable_bundle_stops_nothing_else(home: DataHome, capfd: pytest.CaptureFixture[str]) -> None:
    """A new warehouse reads the archive; a build says what it cannot read each time, until it is back."""
    deliver(home, LANDING["old"], "old")
    home.build()
    before = outcome(home)
    assert archive(["--older-than", "0"]) == 0
    bundles = sorted((home.root / "archive" / "service_events").rglob("*.parquet"))
    good = [bundle.read_bytes() for bundle in bundles]
    bundles[0].write_bytes(good[0][:100])  # no footer
    lines = parquet.read_metadata(bundles[1]).row_group(0).column(1)
    in_place(bundles[1], b"\xff\xff", lines.data_page_offset + lines.total_compressed_size - 5)  # in a page
    (home.root / "warehouse.duckdb").unlink()
    for _ in range(2):
        capfd.readouterr()
        home.build()
        said = capfd.readouterr().err
        assert all(f"{bundle} cannot be read" in said for bundle in bundles) and "Bring it back" in said
    assert home.published()["orders"] == before["orders"] and not home.published()["service_events"]
    for bundle, content in zip(bundles, good, strict=True):
        bundle.write_bytes(content)
    home.build()
    assert differing(home, before) == set()

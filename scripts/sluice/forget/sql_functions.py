"""Forgetting as SQL functions.

- `sluice_erase(feed, format, column, fold, value) -> STRUCT(...)[]`: rewrite the landing files of a feed and its archive
  without the records whose column holds the value. `format`: what sluice_inspect is told of the feed. One item per
  file: the version it had (old_size_bytes, old_modified_ns) and has, and how many records it lost; or the problem
- `sluice_compact_published() -> BIGINT`: write every published file anew, so that deleted rows are nowhere in it
- `sluice_compact_path() -> VARCHAR`, `sluice_replace_warehouse() -> BOOLEAN`: where to write the warehouse anew; put
  that in its place, while the old one is still held
- `sluice_build_at_exit() -> BOOLEAN`: run `dbt build` when this command ends; false where it does not end (a program that
  calls dbt), so that somebody else has to
"""

import atexit
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager

from sluice.archive.__main__ import published_files
from sluice.archive.store import sync
from sluice.archive.upkeep import compact_published
from sluice.forget.erase import Person
from sluice.forget.rewrite import Rewritten, Unreadable, rewrite_archive, rewrite_landing, rewrite_torn
from sluice.home import PROJECT_ROOT, data_home
from sluice.landing.feed import FeedFormat

ERASED_TYPE = (
    "STRUCT(file VARCHAR, old_size_bytes BIGINT, old_modified_ns BIGINT, size_bytes BIGINT, modified_ns BIGINT,"
    " erased_count BIGINT, is_torn BOOLEAN, problem VARCHAR)[]"
)


def register_forget_functions(conn: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to one DuckDB instance. They write files, so no call is ever folded."""
    for name, function, parameters, result in (
        ("sluice_erase", _erase, ["VARCHAR"] * 5, ERASED_TYPE),
        ("sluice_compact_published", _compact_published, [], "BIGINT"),
        ("sluice_compact_path", _compact_path, [], "VARCHAR"),
        ("sluice_replace_warehouse", _replace_warehouse, [], "BOOLEAN"),
        ("sluice_build_at_exit", _build_at_exit, [], "BOOLEAN"),
    ):
        conn.create_function(name, function, parameters, result, side_effects=True)


def _erase(feed: str, feed_format: str, column: str, fold: str, value: str) -> list[dict]:
    home = data_home()
    person = Person(FeedFormat.parse(feed_format), column, value, fold or None)
    found = [
        *rewrite_landing(home.landing, feed, person, home.work),
        *rewrite_torn(home.landing, feed, person, home.work),
        *rewrite_archive(home.archive, feed, person, home.work),
    ]
    nothing = dict.fromkeys([*(field.name for field in fields(Rewritten)), "problem"])
    return [
        nothing
        | ({"file": item.file, "problem": item.problem} if isinstance(item, Unreadable) else vars(item))
        for item in found
    ]


def _compact_published() -> int:
    return sum(compact_published(path, always=True) for path in published_files(data_home()))


def _compact_path() -> str:
    aside = _aside()
    for leftover in (aside, aside.with_name(aside.name + ".wal")):
        leftover.unlink(missing_ok=True)
    return str(aside)


def _replace_warehouse() -> bool:
    aside, warehouse = _aside(), data_home().warehouse
    aside.chmod(warehouse.stat().st_mode)
    sync(aside)
    aside.rename(warehouse)
    sync(warehouse.parent)
    return True


def _aside() -> Path:
    warehouse = data_home().warehouse
    return warehouse.with_name(f".{warehouse.name}.compact")


def _build_at_exit() -> bool:
    if Path(sys.argv[0]).stem not in ("dbt", "main"):
        return False
    atexit.register(_build)
    return True


def _build() -> None:
    """dbt has ended; let go of the warehouse, and let another dbt carry out what was asked for."""
    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager._ENV = None
    os.environ["SLUICE_HOME"] = str(data_home().root)
    root = str(PROJECT_ROOT)
    command = [sys.executable, "-m", "dbt.cli.main", "build", "--project-dir", root, "--profiles-dir", root]
    code = subprocess.run(command).returncode
    if code:
        print(
            "sluice: forgotten in files, but not yet everywhere: the build failed. Run dbt build again.",
            file=sys.stderr,
        )
        sys.stderr.flush()
        os._exit(1)

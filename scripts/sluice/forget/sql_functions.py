"""Forgetting as SQL functions.

- `sluice_erase(feed, format, column, fold, value, places) -> STRUCT(...)[]`: rewrite the landing files of a feed and its
  archive without the records whose column holds the value. `format`: what sluice_inspect is told of the feed; `places`:
  JSON, a list of {path, part}: the column is a payload, and one of them is to hold the value. One item per file: the version
  it had (old_size_bytes, old_modified_ns) and has, and how many records it lost; or the problem
- `sluice_unnoted_erasures() -> STRUCT(...)[]`: the same, of what was taken out and has not come to the ledger;
  `sluice_erasures_noted() -> BOOLEAN`: now it has
- `sluice_compact_published() -> VARCHAR[]`: write every published file anew, so that deleted rows are nowhere in it, and clear
  what was staged for them; the problems, one sentence for each file of which a reader keeps an older state
- `sluice_compact_path() -> VARCHAR`, `sluice_replace_warehouse() -> BOOLEAN`: where to write the warehouse anew; put
  that in its place, while the old one is still held
- `sluice_build_at_exit(value, folders) -> BOOLEAN`: when this command ends, take the value out of dbt's log and artifacts in
  these folders, and run `dbt build`; false where it does not end (a program that calls dbt): somebody else has to build
"""

import atexit
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb

from sluice import durable
from sluice.archive.__main__ import published_files
from sluice.archive.move import settle_leavings
from sluice.archive.upkeep import StillReadError, compact_published, fresh_copy
from sluice.forget.artifacts import wipe
from sluice.forget.journal import Journal, Rewritten
from sluice.forget.person import Person, Place
from sluice.forget.rewrite import Unreadable, rewrite_archive, rewrite_landing, rewrite_torn, stray_files
from sluice.holder import close_warehouse, wait_seconds
from sluice.home import PROJECT_ROOT, Home, data_home
from sluice.landing.feed import FeedFormat
from sluice.landing.listing import list_landing_files

ERASED_TYPE = (
    "STRUCT(file VARCHAR, old_size_bytes BIGINT, old_modified_ns BIGINT, size_bytes BIGINT, modified_ns BIGINT,"
    " erased_count BIGINT, is_torn BOOLEAN, problem VARCHAR)[]"
)


def register_forget_functions(conn: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to one DuckDB instance. They write files, so no call is ever folded."""
    functions: tuple[tuple[str, Any, Any, str], ...] = (
        ("sluice_erase", _erase, ["VARCHAR"] * 6, ERASED_TYPE),
        ("sluice_unnoted_erasures", _unnoted, [], ERASED_TYPE),
        ("sluice_erasures_noted", _noted, [], "BOOLEAN"),
        ("sluice_compact_published", _compact_published, [], "VARCHAR[]"),
        ("sluice_compact_path", _compact_path, [], "VARCHAR"),
        ("sluice_replace_warehouse", _replace_warehouse, [], "BOOLEAN"),
        ("sluice_build_at_exit", _build_at_exit, ["VARCHAR", "VARCHAR[]"], "BOOLEAN"),
    )
    for name, function, parameters, result in functions:
        conn.create_function(name, function, parameters, result, side_effects=True)


def _erase(feed: str, feed_format: str, column: str, fold: str, value: str, places: str) -> list[dict]:
    home = data_home()
    inside = tuple(
        Place(tuple(place["path"].split(".")), place.get("part") or None) for place in json.loads(places)
    )
    person = Person(FeedFormat.parse(feed_format), column, value, fold or None, inside)
    return _items(_erase_everywhere(home, feed, person))


def _erase_everywhere(home: Home, feed: str, person: Person) -> Iterator[Rewritten | Unreadable]:
    """Settle what killed processes left, then rewrite, then look for what is left over. The warehouse is held: no other
    process archives or forgets."""
    journal = Journal(home)
    settle_leavings(home.landing, home.archive)
    for leftover in durable.leftovers(home.landing / feed):
        durable.remove_leftover(leftover)
    yield from rewrite_landing(home.landing, feed, person, home.work, journal)
    yield from rewrite_torn(home.landing, feed, person, home.work, journal)
    yield from rewrite_archive(home.archive, feed, person, home.work, journal)
    known = {entry.file for entry in list_landing_files(home.landing)}
    yield from stray_files(home.landing / feed, known, person)
    if feed == "tenant_events":
        yield from stray_files(home.root / "ingest", (), person)


def _unnoted() -> list[dict]:
    return _items(Journal(data_home()).read())


def _noted() -> bool:
    Journal(data_home()).clear()
    return True


def _items(found: Iterator[Rewritten | Unreadable] | list[Rewritten]) -> list[dict]:
    nothing = dict.fromkeys([*(field.name for field in fields(Rewritten)), "problem"])
    return [nothing | vars(item) for item in found]


def _compact_published() -> list[str]:
    home, problems = data_home(), []
    for staging in (home.published / ".staging", home.lake / ".staging", home.root / "classify"):
        shutil.rmtree(staging, ignore_errors=True)
    deadline = time.monotonic() + wait_seconds()
    for path in published_files(home):
        try:
            compact_published(path, always=True, deadline=deadline)
        except StillReadError as problem:
            problems.append(str(problem))
    return problems


def _compact_path() -> str:
    return str(fresh_copy(data_home().warehouse))


def _replace_warehouse() -> bool:
    warehouse = data_home().warehouse
    durable.put(warehouse.with_name(f".{warehouse.name}.compact"), warehouse)
    return True


def _build_at_exit(value: str, folders: list[str]) -> bool:
    where = [Path(folder).absolute() for folder in folders]
    if Path(sys.argv[0]).stem not in ("dbt", "main"):
        wipe(value, where)
        return False
    atexit.register(_build, value, where)
    return True


def _build(value: str, folders: list[Path]) -> None:
    """dbt has ended; let go of the warehouse, and let another dbt carry out what was asked for."""
    close_warehouse()
    wipe(value, folders)
    os.environ["SLUICE_HOME"] = str(data_home().root)
    root = str(PROJECT_ROOT)
    command = [sys.executable, "-m", "dbt.cli.main", "build", "--project-dir", root, "--profiles-dir", root]
    code = subprocess.run(command, umask=durable.child_umask()).returncode
    if code:
        print(
            "sluice: forgotten in files, but not yet everywhere: the build failed. Run dbt build again.",
            file=sys.stderr,
        )
        sys.stderr.flush()
        os._exit(1)

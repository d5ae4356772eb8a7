"""Opening the warehouse file, and what to tell people when it is damaged."""

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
from dbt_common.events.base_types import EventMsg

from sluice.holder import release_warehouse, take_warehouse, warehouse_holder
from sluice.stamps import say

DAMAGE = re.compile(
    r"Corrupt database file|not a valid DuckDB database|Could not read (enough bytes )?from|replaying WAL"
    r"|Failed to load metadata|Is a directory|computed checksum|database has been invalidated"
)
"""How DuckDB words that a file is damaged."""

STORAGE_VERSION = "v2.0.0"
"""DuckDB's name of the format that a warehouse file has; nothing before DuckDB 2.0 reads it."""


class WarehouseError(RuntimeError):
    """The warehouse cannot be opened; the message says what to do."""


def open_warehouse(path: Path, config: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """Open the warehouse, or make it, when it is this process's turn (see holder), also beside a tool that opens it at that
    moment. A write-ahead log that was left by an earlier file is removed first.

    Raises HeldError, WarehouseError when it is damaged, and duckdb.Error for anything else.
    """
    log = path.with_name(path.name + ".wal")
    while True:
        take_warehouse(path)
        for spilt in Path(config.get("temp_directory") or "/nowhere").glob("duckdb_temp_*"):
            spilt.unlink(missing_ok=True)  # of a process that was killed: raw records may be in it
        if log.exists() and not path.exists():
            log.unlink()
            say(f"{log} was left of a warehouse that is gone; it was removed.")
        try:
            if log.exists():
                replay_log(path)
            return duckdb.connect(str(path), config=config)
        except (duckdb.Error, RuntimeError) as problem:  # RuntimeError: with JSON, from another thread
            release_warehouse(path)
            if DAMAGE.search(str(problem)):
                raise WarehouseError(remedy(path)) from problem
            if not isinstance(problem, duckdb.IOException) or warehouse_holder(path) is None:
                raise


def replay_log(path: Path) -> None:
    """Take the write-ahead log of a killed process into the warehouse.

    DuckDB 2.0.1 does so before it knows its own functions when it opens a file, and fails where a default of a column calls
    one; when it attaches the file it knows them. Raises duckdb.Error.
    """
    name = str(path).replace("'", "''")
    with closing(duckdb.connect()) as replaying:
        replaying.execute(f"attach '{name}' as killed")
        replaying.execute("checkpoint killed")


def upgrade_warehouse(
    opened: duckdb.DuckDBPyConnection, path: Path, config: dict[str, Any]
) -> duckdb.DuckDBPyConnection:
    """Bring a warehouse that an older DuckDB wrote to STORAGE_VERSION, in place, and say so.

    DuckDB does it when it attaches the file under that version, and writes it down with the next checkpoint that has
    something to write: tables stay where they are, and a process that is killed leaves the older format.

    Args:
        opened: the warehouse, opened by open_warehouse with the same path and config; closed if there is something to do.
    Returns: the open warehouse.
    Raises: what open_warehouse raises.
    """
    query = "select tags['storage_version'] from duckdb_databases() where database_name = current_database()"
    version = opened.execute(query).fetchall()[0][0].removesuffix("+")
    if version == STORAGE_VERSION:
        return opened
    opened.close()
    name = str(path).replace("'", "''")
    with closing(duckdb.connect()) as upgrading:
        upgrading.execute(f"attach '{name}' as upgraded (storage_version '{STORAGE_VERSION}')")
        upgrading.execute(
            "create schema upgraded.upgrade; drop schema upgraded.upgrade"
        )  # else nothing is written
        upgrading.execute("checkpoint upgraded")
    say(
        f"{path} was in DuckDB's format {version}, and is now in {STORAGE_VERSION}: all of it is there, but no older"
        " version of Sluice can open it."
    )
    return open_warehouse(path, config)


def remedy(path: Path) -> str:
    """What is wrong with a damaged warehouse, and what to do, in one sentence each."""
    aside = f"{path}.damaged"
    return (
        f"{path} is damaged and cannot be read. Bring it back from a backup (scripts/restore), or move it away"
        f" (mv {path} {aside}; rm -f {path}.wal) and run dbt build: all rows come back from landing/ and archive/."
    )


class DamageWatch:
    """Tells the remedy once, when one of dbt's errors says that the warehouse is damaged: it may turn out anywhere,
    because DuckDB looks at a block when it reads it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_said = False

    def __call__(self, event: EventMsg) -> None:
        """Look at one of dbt's events."""
        info: Any = event.info
        if info.level == "error" and not self._is_said and DAMAGE.search(info.msg):
            self._is_said = True
            if remedy(self._path) not in info.msg:
                say(remedy(self._path))

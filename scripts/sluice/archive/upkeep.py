"""Keep database files from growing without end: give back what is free in them, once that is much."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import duckdb

from sluice import durable
from sluice.deliver.sqlite.state import is_as_noted, note_published
from sluice.holder import openers

LEAST_FREE = 64 << 20
CHECKPOINT_MS = 500
LEAST_SHARE = 0.25
"""A file is made anew when at least so many bytes, and such a share of it, are free."""


def free_bytes(warehouse: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """How many bytes of the warehouse file are free, and how many there are, after a checkpoint."""
    warehouse.execute("checkpoint")
    size, total, free = warehouse.execute(
        "select block_size, total_blocks, free_blocks from pragma_database_size() where database_name = current_database()"
    ).fetchall()[0]
    return size * free, size * total


def is_much(free: int, total: int, least: int = LEAST_FREE) -> bool:
    """Whether it is worth making a file anew."""
    return free >= least and free >= LEAST_SHARE * total


def compact_warehouse(warehouse: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write the open warehouse anew, without what is free in it, and put it in place. Returns the bytes saved.

    The copy is written aside, synced and renamed while the old file is still held, so nobody writes in between.
    """
    before = path.stat().st_size
    aside = fresh_copy(path)
    warehouse.execute(
        f"attach '{str(aside).replace(chr(39), chr(39) * 2)}' as fresh (storage_version 'latest')"
    )
    warehouse.execute(
        f'copy from database "{warehouse.execute("select current_database()").fetchall()[0][0]}" to fresh'
    )
    warehouse.execute("checkpoint fresh")
    warehouse.execute("detach fresh")
    durable.put(aside, path)
    return before - path.stat().st_size


def fresh_copy(warehouse: Path) -> Path:
    """Where the warehouse is to be written anew, with nothing there, and nothing left of a run that was killed."""
    aside = warehouse.with_name(f".{warehouse.name}.compact")
    for leftover in (aside, aside.with_name(aside.name + ".wal")):
        leftover.unlink(missing_ok=True)
    return aside


class StillReadError(Exception):
    """A reader keeps an older state of a published file; the message says who that may be, and what to do."""


def compact_published(
    path: Path, least: int = LEAST_FREE, always: bool = False, deadline: float | None = None
) -> int:
    """Empty the write-ahead log of a published file, and give back its free pages if they are much.

    What was noted of the file stays true: the next build need not compare all of it.

    Args:
        always: write the file anew in any case, because deleted rows stand in it until their place is used again.
        deadline: of time.monotonic: readers of an older state are waited for until then. None: they are left alone.
    Returns: the bytes saved.
    Raises: StillReadError after the deadline.
    """
    before, is_noted = path.stat().st_size, is_as_noted(path)
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as db:
        pages, free, size = (
            db.execute(f"pragma {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        if always or is_much(free * size, pages * size, least):
            db.execute("vacuum")
        is_read = True
        while is_read:
            db.execute(f"pragma busy_timeout = {CHECKPOINT_MS}")
            is_read = bool(db.execute("pragma wal_checkpoint(truncate)").fetchone()[0])
            if deadline is None or time.monotonic() >= deadline:
                break
    if is_noted:
        note_published([path])
    if is_read and deadline is not None:
        raise StillReadError(
            f"{path} still holds what was deleted, because a query of it has not ended:"
            f" {', '.join(openers(path)) or 'of a process of another user'}. End it, and run dbt build again."
        )
    return before - path.stat().st_size

"""Keep database files from growing without end: give back what is free in them, once that is much."""

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb

from sluice.archive.store import sync
from sluice.publish.state import is_as_noted, note_published

LEAST_FREE = 64 << 20
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
    aside = path.with_name(f".{path.name}.compact")
    for leftover in (aside, aside.with_name(aside.name + ".wal")):
        leftover.unlink(missing_ok=True)
    warehouse.execute(
        f"attach '{str(aside).replace(chr(39), chr(39) * 2)}' as fresh (storage_version 'latest')"
    )
    warehouse.execute(
        f'copy from database "{warehouse.execute("select current_database()").fetchall()[0][0]}" to fresh'
    )
    warehouse.execute("checkpoint fresh")
    warehouse.execute("detach fresh")
    aside.chmod(path.stat().st_mode)
    sync(aside)
    aside.rename(path)
    sync(path.parent)
    return before - path.stat().st_size


def compact_published(path: Path, least: int = LEAST_FREE, always: bool = False) -> int:
    """Empty the write-ahead log of a published file, and give back its free pages if they are much.

    `always`: write the file anew in any case, because deleted rows stand in it until their place is used again.
    Returns the bytes saved. What was noted of the file stays true: the next build need not compare all of it.
    """
    before, is_noted = path.stat().st_size, is_as_noted(path)
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as db:
        pages, free, size = (
            db.execute(f"pragma {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        if always or is_much(free * size, pages * size, least):
            db.execute("vacuum")
        db.execute("pragma wal_checkpoint(truncate)")
    if is_noted:
        note_published([path])
    return before - path.stat().st_size

"""A folder of published SQLite files of one layout, such as one per tenant: each with its own transaction, and only
those that changed.

A file says in its header (bytes that SQLite keeps for applications, written in the same transaction as its tables)
which batch it reflects, and of which layout and warehouse: so a thousand files are looked over in the time of
opening one, and a build that was killed between two of them knows where to go on.
"""

import os
import sqlite3
import sys
import zlib
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from sluice import durable
from sluice.publish.apply import (
    Staged,
    attach_staging,
    connect,
    tidy,
    update_table,
    with_companions,
    write_build,
)
from sluice.publish.spec import Publication
from sluice.tokens import TENANT_ID

MANY = 200
"""From so many files on, a progress bar."""
AT_ONCE = 4
"""Files written at a time: most of a small file's time is waiting for the disk."""
HEADER_BYTES, USER_VERSION, APPLICATION_ID = 72, slice(60, 64), slice(68, 72)


@dataclass(frozen=True)
class File:
    """One file to bring up to date: with all of its rows, or with what changed in it."""

    name: str
    is_full: bool


def layout_id(publication: Publication) -> int:
    """A number (31 bits) for the layout of the files and the warehouse they come from."""
    tables = [replace(table, mode="", changed_by=()) for table in publication.tables]
    return zlib.crc32(repr((publication.warehouse_id, publication.window, tables)).encode()) & 0x7FFFFFFF


def published_files(folder: Path, layout: int) -> dict[str, int | None]:
    """The files of a folder by name, and the batch each reflects; None where it is of another layout or warehouse,
    or no database."""
    if not folder.is_dir():
        return {}
    names = [entry.name.removesuffix(".db") for entry in os.scandir(folder) if entry.name.endswith(".db")]
    return {name: _batch_of(folder / f"{name}.db", layout) for name in names if TENANT_ID.fullmatch(name)}


def _batch_of(path: Path, layout: int) -> int | None:
    wal = path.with_name(path.name + "-wal")
    if (
        wal.exists() and wal.stat().st_size
    ):  # a killed writer, or a reader in its way: the header may be older
        with closing(connect(path)) as db:
            try:
                mark, batch = (
                    db.execute(f"pragma {name}").fetchone()[0] for name in ("application_id", "user_version")
                )
            except sqlite3.DatabaseError:
                return None
    else:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
        mark, batch = (int.from_bytes(header[place], "big") for place in (APPLICATION_ID, USER_VERSION))
    return batch if mark == layout else None


def publish_files(
    folder: Path, staging: Path, publication: Publication, files: Collection[File], keep: Collection[str]
) -> None:
    """Make each named file reflect what is staged for it, and remove the files of all that are not to be kept.

    Raises:
        ValueError: a name that may be no file name; nothing was written.
        sqlite3.Error: a file could not be written; each of the others is up to date, or as it was.
    """
    for name in (*keep, *(file.name for file in files)):
        if not TENANT_ID.fullmatch(name):
            raise ValueError(f"{name!r} cannot name a published file; nothing was published")
    durable.make_folder(folder)  # names of tenants are nobody else's business
    layout = layout_id(publication)

    def bring_up_to_date(file: File) -> None:
        path = folder / f"{file.name}.db"
        if path.exists() and not _is_database(path):
            _remove(path)
        (_update if path.exists() else _create)(path, staging, publication, file, layout)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in _with_progress(pool.map(bring_up_to_date, files), len(files)):
            pass  # one that failed raises here
    for name in set(published_files(folder, layout)) - set(keep):
        _remove(folder / f"{name}.db")


def _with_progress(done: Iterable[None], count: int) -> Iterable[None]:
    is_shown = count >= MANY and sys.stderr.isatty()
    return tqdm(done, total=count, desc="publishing", unit="file", disable=not is_shown, leave=False)


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _create(path: Path, staging: Path, publication: Publication, file: File, layout: int) -> None:
    """Written aside and moved into place: nobody sees a part of it."""
    aside = staging.with_name(f"{file.name}.new")
    for leftover in with_companions(aside):
        leftover.unlink(missing_ok=True)
    durable.create(aside)
    with closing(connect(aside)) as db:
        db.execute("pragma journal_mode = off")
        attach_staging(db, staging)
        db.execute("begin")
        _write(db, publication, file, layout)
        db.execute("commit")
        db.execute("detach staging")
        db.execute("pragma journal_mode = wal")
    durable.put(aside, path)


def _update(path: Path, staging: Path, publication: Publication, file: File, layout: int) -> None:
    with closing(connect(path)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")
        attach_staging(db, staging)
        db.execute("begin immediate")
        try:
            _write(db, publication, file, layout)
            db.execute("commit")
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("detach staging")
        tidy(db)


def _write(db: sqlite3.Connection, publication: Publication, file: File, layout: int) -> None:
    """The tables, the build if anything differs, and what the header says."""

    def state() -> tuple[int, int]:
        return db.total_changes, db.execute("pragma main.schema_version").fetchone()[0]

    before = state()
    for table in publication.tables:
        update_table(
            db, replace(table, mode="sync") if file.is_full else table, Staged.of_file(table, file.name)
        )
    if state() != before:
        write_build(db, publication)
    [(_, batch)] = publication.batches
    db.execute(f"pragma main.user_version = {batch}")
    db.execute(f"pragma main.application_id = {layout}")


def _remove(path: Path) -> None:
    for gone in with_companions(path):
        gone.unlink(missing_ok=True)

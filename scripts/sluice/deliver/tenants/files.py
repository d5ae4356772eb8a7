"""A folder of published SQLite files of one layout, such as one per tenant: each with its own transaction, and only
those that changed.

What the folder reflects, and the stamp of each file, stand in its `.sluice.json`: so a thousand files are looked over
without opening one, and a file that a killed build wrote, or somebody else, is found and compared whole.
"""

import os
import sqlite3
import sys
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from sluice import durable
from sluice.deliver.noted import read_state
from sluice.deliver.sqlite.apply import Staged, attach_staging, tidy, update_table, write_build
from sluice.deliver.sqlite.opening import connect
from sluice.deliver.sqlite.spec import Publication
from sluice.stamps import clear, is_sound, make_folder, say, stamp
from sluice.tokens import TENANT_ID

MANY = 200
"""From so many files on, a progress bar."""
AT_ONCE = 4
"""Files written at a time: most of a small file's time is waiting for the disk."""


@dataclass(frozen=True)
class File:
    """One file to bring up to date: with all of its rows, or with what changed in it."""

    name: str
    is_full: bool


def published_files(folder: Path) -> dict[str, bool]:
    """The files of a folder by name, and whether each is as the last build left it."""
    if not folder.is_dir():
        return {}
    noted = read_state(folder)["files"]
    paths = [Path(entry.path) for entry in os.scandir(folder) if entry.name.endswith(".db")]
    return {
        path.stem: noted.get(path.name) == stamp(path) != ""
        for path in paths
        if TENANT_ID.fullmatch(path.stem)
    }


def publish_files(
    folder: Path, staging: Path, publication: Publication, files: Collection[File], keep: Collection[str]
) -> bool:
    """Make each named file reflect what is staged for it, and remove the files of all that are not to be kept.

    Returns: whether all are up to date. One of which only changes were staged may turn out to be damaged: it is removed.
    Raises:
        ValueError: a name that may be no file name; nothing was written.
        sqlite3.Error: a file could not be written; each of the others is up to date, or as it was.
    """
    for name in (*keep, *(file.name for file in files)):
        if not TENANT_ID.fullmatch(name):
            raise ValueError(f"{name!r} cannot name a published file; nothing was published")
    make_folder(folder)  # names of tenants are nobody else's business
    found, noted = published_files(folder), read_state(folder)["files"]
    as_noted = {name for name, is_noted in found.items() if is_noted}
    touched = [file for file in files if file.name in found.keys() - as_noted and f"{file.name}.db" in noted]
    if touched:
        say(
            f"{len(touched)} files in {folder} are not as the last build left them; all of them is compared"
            " with the warehouse, or made again."
        )

    def bring_up_to_date(file: File) -> bool:
        path = folder / f"{file.name}.db"
        if not path.exists() or (file.name not in as_noted and not is_sound(path)):
            _create(path, staging, publication, file)
            return True
        try:
            _update(path, staging, publication, file)
        except sqlite3.DatabaseError:
            if is_sound(path):
                raise
            say(f"{path.parent.name}/{path.name} is damaged; it is made again.")
            clear(path)
            if not file.is_full:
                return False
            _create(path, staging, publication, file)
        return True

    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(
            _with_progress(pool.map(bring_up_to_date, files), len(files))
        )  # one that failed raises here
    for name in set(published_files(folder)) - set(keep):
        clear(folder / f"{name}.db")
    return all(done)


def _with_progress(done: Iterable[bool], count: int) -> Iterable[bool]:
    is_shown = count >= MANY and sys.stderr.isatty()
    return tqdm(done, total=count, desc="publishing", unit="file", disable=not is_shown, leave=False)


def _create(path: Path, staging: Path, publication: Publication, file: File) -> None:
    """Written aside and moved into place: nobody sees a part of it."""
    aside = staging.with_name(f"{file.name}.new")
    clear(aside)
    durable.create(aside)
    with closing(connect(aside)) as db:
        db.execute("pragma journal_mode = off")
        attach_staging(db, staging)
        db.execute("begin")
        _write(db, publication, file)
        db.execute("commit")
        db.execute("detach staging")
        db.execute("pragma journal_mode = wal")
    clear(path)
    durable.put(aside, path)


def _update(path: Path, staging: Path, publication: Publication, file: File) -> None:
    with closing(connect(path)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")
        attach_staging(db, staging)
        db.execute("begin immediate")
        try:
            _write(db, publication, file)
            db.execute("commit")
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("detach staging")
        tidy(db)


def _write(db: sqlite3.Connection, publication: Publication, file: File) -> None:
    """The tables, and the build if anything differs."""

    def state() -> tuple[int, int]:
        return db.total_changes, db.execute("pragma main.schema_version").fetchone()[0]

    before = state()
    for table in publication.tables:
        update_table(
            db, replace(table, mode="sync") if file.is_full else table, Staged.of_file(table, file.name)
        )
    if state() != before:
        write_build(db, publication)

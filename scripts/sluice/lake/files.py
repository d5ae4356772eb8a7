"""Files that other tools read: written aside by SQL, then renamed into place; nobody ever sees half of one.

A partition of a lake table is a folder `<column>=<value>` with one file per source (`data.parquet`, or one
per feed), so replacing it is one rename. What a tree of files reflects stands in its `.sluice.json`, written
last: a build that was killed in between is completed by the next, which replaces all that changed since.
"""

import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path

STATE = ".sluice.json"
STAGING = ".staging"


def read_state(tree: Path) -> dict[str, object]:
    """What a tree of files reflects: {"warehouse_id": str, "batches": {feed: batch}}; unknown: nothing."""
    try:
        state = json.loads((tree / STATE).read_text())
        return {"warehouse_id": str(state["warehouse_id"]), "batches": dict(state["batches"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"warehouse_id": "", "batches": {}}


def write_state(tree: Path, state: dict[str, object]) -> None:
    """Note what a tree of files reflects now."""
    replace_text(tree / STATE, json.dumps(state, sort_keys=True) + "\n")


def replace_text(path: Path, text: str) -> bool:
    """Make a file hold the text, by one rename. Returns False when it did already."""
    try:
        if path.read_text() == text:
            return False
    except OSError:
        path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.tmp")
    aside.write_text(text)
    aside.replace(path)
    return True


def clear_staging(tree: Path) -> Path:
    """An empty folder beside the tables, on their file system, for what is being written."""
    staging = tree / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    return staging


def replace_partitions(written: Path, table: Path, name: str, changed: Collection[str] | None) -> int:
    """Move freshly written partitions into a table.

    Args:
        written: folder of partition folders, each with one Parquet file; it is consumed. Absent: nothing was
            written.
        table: folder of the table.
        name: name of the file in each partition, without suffix.
        changed: names of the partition folders that were to be written; those that were not are empty now,
            and go. None: all were; whatever else the table has under that name goes.
    Returns: how many partitions were replaced or removed.
    Raises: ValueError if a partition was written in several files.
    """
    fresh = {folder.name: folder for folder in written.iterdir()} if written.exists() else {}
    for partition, folder in sorted(fresh.items()):
        files = sorted(folder.glob("*.parquet"))
        if len(files) != 1:
            raise ValueError(f"{folder} was written in {len(files)} files; it must be one")
        target = table / partition
        target.mkdir(parents=True, exist_ok=True)
        files[0].replace(target / f"{name}.parquet")
    gone = set(changed) if changed is not None else _partitions(table)
    removed = [partition for partition in sorted(gone - set(fresh)) if _remove(table / partition, name)]
    shutil.rmtree(written, ignore_errors=True)
    return len(fresh) + len(removed)


def _partitions(table: Path) -> set[str]:
    return {entry.name for entry in os.scandir(table) if "=" in entry.name} if table.exists() else set()


def _remove(partition: Path, name: str) -> bool:
    """Remove a file of a partition, and the partition with its last file. Returns whether there was one."""
    file = partition / f"{name}.parquet"
    found = file.exists()
    file.unlink(missing_ok=True)
    if partition.exists() and not any(partition.iterdir()):
        partition.rmdir()
    return found

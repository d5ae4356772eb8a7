"""What published files reflect, and whether they are as the last build left them."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sluice.deliver.noted import read_state, write_state
from sluice.deliver.sqlite.opening import columns_of, connect
from sluice.stamps import is_sound, say, stamp


def may_stay(target: Path) -> bool:
    """Whether a file that is not as the last build left it is good enough to be brought up to date under its readers."""
    is_good = is_sound(target)
    if not is_good:
        say(f"{target} is damaged; it is made again.")
    elif target.name in read_state(target.parent)["files"]:
        say(f"{target} is not as the last build left it; all of it is compared with the warehouse.")
    return is_good


def published_state(target: Path) -> dict[str, object]:
    """What a published file reflects: {"warehouse_id": str, "batches": {feed: identity of its last change}, "tables":
    {name: columns}}.

    An absent file, one that is no Sluice publication, and one that is not as the last build left it, reflect nothing:
    all of their rows are compared with those of the warehouse.
    """
    nothing: dict[str, object] = {"warehouse_id": "", "batches": {}, "tables": {}}
    if not is_as_noted(target):
        return nothing
    try:
        with closing(connect(target)) as db:
            rows = db.execute("select warehouse_id, feed, batch from _published_batches").fetchall()
            tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
            return {
                "warehouse_id": rows[0][0] if rows else "",
                "batches": {feed: batch for _, feed, batch in rows},
                "tables": {name: columns_of(db, "main", name) for name in tables},
            }
    except sqlite3.DatabaseError:
        return nothing


def is_as_noted(target: Path) -> bool:
    """Whether a published file is there, and is as the last build left it."""
    found = stamp(target)
    return bool(found) and read_state(target.parent)["files"].get(target.name) == found


def note_published(targets: Sequence[Path]) -> None:
    """Note what published files are like now, in the `.sluice.json` of their folder."""
    for folder in {target.parent for target in targets}:
        state = read_state(folder)
        files = {target.name: stamp(target) for target in targets if target.parent == folder}
        write_state(folder, {**state, "files": {**state["files"], **files}}, is_public=False)

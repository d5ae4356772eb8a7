"""What a tree of files (lake, reports, tenants' files) has still to take in, and noting that it has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sluice.deliver.noted import read_state, write_state
from sluice.deliver.warehouse import Warehouse, listed


@dataclass(frozen=True)
class Behind:
    """A tree compared with the warehouse.

    Attributes:
        origin: what its files are written from; all are written again when it changes.
        noted: feed -> identity of the change that the files reflect.
        current: feed -> number of its last change, of the feeds that were looked at.
        since: of the feeds that changed: the number of the change that the files reflect, or None when everything has to be
            written.
        files: path -> stamp, as noted; None where nothing is noted.
    """

    origin: str
    noted: Mapping[str, str]
    current: Mapping[str, int]
    since: Mapping[str, int | None]
    files: Mapping[str, str] | None = None


def behind(folder: Path, warehouse: Warehouse, feeds: Iterable[str], origin: str = "") -> Behind:
    """What a tree has still to take in of the feeds.

    Args:
        folder: the tree.
        warehouse: what it is compared with.
        feeds: the feeds to look at.
        origin: what its files are written from; by default the warehouse.
    """
    state, origin = read_state(folder), origin or warehouse.id
    noted = state["batches"] if state["warehouse_id"] == origin else {}
    seen = warehouse.seen(noted)
    current = {feed: warehouse.batches[feed] for feed in feeds if feed in warehouse.batches}
    since = {feed: seen.get(feed) for feed, batch in current.items() if seen.get(feed) != batch}
    files = state["files"] if state["batches"] else None
    return Behind(origin, noted, current, since, files)


def note(
    name: str,
    folder: Path,
    warehouse: Warehouse,
    state: Behind,
    files: Mapping[str, str],
    *,
    is_public: bool = True,
) -> None:
    """Note that a tree has taken in every change of the feeds that were looked at, so that the logs may be cut, and what its
    files are like now.

    Args:
        name: the tree's name in state.consumed.
        folder, warehouse, state: see behind.
        files: path -> stamp.
        is_public: everybody may read the tree.
    """
    batches = {**state.noted, **{feed: warehouse.identities[feed] for feed in state.current}}
    noted = {"warehouse_id": state.origin, "batches": batches, "files": dict(files)}
    write_state(folder, noted, is_public=is_public)
    if state.current:
        taken_in = ", ".join(f"('{name}', '{feed}', {batch})" for feed, batch in state.current.items())
        warehouse.run(
            f"delete from state.consumed where model = '{name}' and feed in ({listed(state.current)})",
            f"insert into state.consumed values {taken_in}",
        )

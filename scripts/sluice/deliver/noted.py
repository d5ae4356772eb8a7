"""What a tree of files notes in its `.sluice.json`: what its files reflect, and their stamps."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sluice import durable
from sluice.stamps import clear, make_folder

STATE = ".sluice.json"


def read_state(tree: Path) -> dict[str, Any]:
    """What a tree of files reflects: {"warehouse_id": str, "batches": {feed: identity of its last change}, "files":
    {path: stamp}}; unknown: nothing."""
    try:
        state = json.loads((tree / STATE).read_text())
        batches, files = dict(state["batches"]), dict(state["files"])
        return {"warehouse_id": str(state["warehouse_id"]), "batches": batches, "files": files}
    except (OSError, ValueError, KeyError, TypeError):
        return {"warehouse_id": "", "batches": {}, "files": {}}


def write_state(tree: Path, state: Mapping[str, Any], *, is_public: bool = True) -> None:
    """Note what a tree of files reflects now. `is_public`: everybody may read the tree."""
    replace_text(tree / STATE, json.dumps(state, sort_keys=True) + "\n", is_public=is_public)


def replace_text(path: Path, text: str, *, is_public: bool = True) -> bool:
    """Make a file hold the text, by one rename. Returns False when it did already."""
    try:
        if path.read_text() == text:
            return False
    except (OSError, ValueError):
        make_folder(path.parent, is_public=is_public)
        clear(path)
    durable.write(path, text, is_public=is_public)
    return True

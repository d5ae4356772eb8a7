"""The parts of a data home that a backup holds, and the file that says what is in a backup."""

import json
from dataclasses import dataclass
from pathlib import Path

from sluice import durable
from sluice.home import Home

MANIFEST = "backup.json"
VERSION = 1


class BackupError(Exception):
    """A backup cannot be made or brought back; the message says why, and what to do."""


@dataclass(frozen=True)
class Part:
    """A file or folder of the data home. `name`: its name in a backup."""

    name: str
    path: Path


def built_parts(home: Home) -> list[Part]:
    """What builds write: copied while none runs. The warehouse is first."""
    others = [path for pattern in ("lake_*", "published_*") for path in home.root.glob(pattern)]
    return [
        Part("warehouse.duckdb", home.warehouse),
        Part("pii.key", home.root / "pii.key"),
        Part("published", home.published),
        Part("lake", home.lake),
        Part("reports", home.reports),
        *(Part(path.name, path) for path in sorted(others) if path.is_dir() and path != home.published),
    ]


def delivered_parts(home: Home) -> list[Part]:
    """What others write, in the order in which it moves on: what is on its way while it is copied is copied twice, not
    never. A backup of them is newer than its warehouse, and the next build reads what is new to that."""
    return [
        Part("streams", home.root / "streams"),
        Part("ingest", home.root / "ingest"),
        Part("landing", home.landing),
        Part("archive", home.archive),
    ]


def all_parts(home: Home) -> list[Part]:
    """Every part."""
    return [*built_parts(home), *delivered_parts(home)]


def files_of(path: Path) -> list[Path]:
    """The regular files of a part, its own path if it is one: first those of folders `_offsets`, because a stream goes on
    where they say that its files end. Left out is what a running build or SQLite keeps for itself, and what
    is just being written aside."""
    if path.is_file():
        return [path]
    found = [file for file in path.rglob("*") if file.is_file() and ".staging" not in file.parts]
    kept = [file for file in found if not file.name.endswith(("-shm", durable.ENDING))]
    return sorted(kept, key=lambda file: ("_offsets" not in file.parts, str(file)))


def write_manifest(folder: Path, made_at: str, files: dict[str, tuple[int, str]]) -> None:
    """Say what a backup holds: per file its size and checksum."""
    content = {"version": VERSION, "made_at": made_at, "files": files}
    (folder / MANIFEST).write_text(json.dumps(content, indent=0, sort_keys=True))


def read_manifest(folder: Path) -> tuple[str, dict[str, tuple[int, str]]]:
    """When a backup was made, and per file its size and checksum. Raises BackupError when it says nothing of the kind."""
    try:
        content = json.loads((folder / MANIFEST).read_text())
        files = {str(name): (int(size), str(checksum)) for name, (size, checksum) in content["files"].items()}
        if content["version"] != VERSION or any(
            Path(name).is_absolute() or ".." in Path(name).parts for name in files
        ):
            raise ValueError("it is of another version")
        return str(content["made_at"]), files
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise BackupError(
            f"{folder} is no whole backup: its {MANIFEST} cannot be read ({problem}). Name a folder that scripts/backup made."
        ) from problem

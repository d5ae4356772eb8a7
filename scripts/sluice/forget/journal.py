"""What was taken out of files and has not come to the ledger yet: erased.jsonl in the data home.

A line is written before the file is replaced. A process that dies before the ledger knows leaves it for the next build, or
the next run of forget, so that the count of forgotten records is right in the end. No line holds anything of a person.
"""

import contextlib
import json
from dataclasses import asdict, dataclass

from sluice import durable
from sluice.archive.store import list_archive
from sluice.home import Home


@dataclass(frozen=True)
class Rewritten:
    """A landing file (or its archived copy) that is shorter now. The old version tells which load it was. `is_torn`: its
    other records have to be read again, because a quote in it is not closed."""

    file: str
    old_size_bytes: int
    old_modified_ns: int
    size_bytes: int
    modified_ns: int
    erased_count: int
    is_torn: bool


class Journal:
    """The file."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._path = home.root / "erased.jsonl"

    def note(self, rewritten: Rewritten) -> None:
        """A file is about to be replaced. On disk when this returns."""
        durable.append(self._path, json.dumps(asdict(rewritten)).encode() + b"\n")

    def read(self) -> list[Rewritten]:
        """The files that were replaced, and are there in that version now."""
        try:
            lines = self._path.read_text().splitlines()
        except FileNotFoundError:
            return []
        noted = [line for line in map(_parse, lines) if line]
        feeds = {line.file.partition("/")[0] for line in noted}
        there = {
            (entry.file, entry.size_bytes, entry.modified_ns)
            for feed in feeds
            for entry in list_archive(self._home.archive / feed)
        }
        for file in {line.file for line in noted}:
            with contextlib.suppress(OSError):
                status = (self._home.landing / file).stat()
                there.add((file, status.st_size, status.st_mtime_ns))
        return [line for line in noted if (line.file, line.size_bytes, line.modified_ns) in there]

    def clear(self) -> None:
        """The ledger knows all of it."""
        self._path.unlink(missing_ok=True)
        durable.sync(self._path.parent)


def _parse(line: str) -> Rewritten | None:
    """A line; None where a crash tore it."""
    try:
        return Rewritten(**json.loads(line))
    except (ValueError, TypeError):
        return None

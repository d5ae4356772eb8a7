"""Landed files that were cut short later: by a disk that lost its end, or by hand."""

from dataclasses import dataclass
from pathlib import Path

from sluice.streams.names import Position, position_text

_TAIL = 1 << 16


@dataclass(frozen=True)
class Torn:
    """A landed file that lacks its end, and the messages it held. `file` is relative to the feed's folder."""

    file: str
    generation: int
    first: Position
    last: Position


def is_torn(path: Path, partition: int, last: Position) -> bool:
    """Whether the file does not reach the last position of its name. One that was corrected by hand does."""
    offset = position_text(last)
    marks = [f",{partition},{offset},".encode(), f'"{partition}","{offset}",'.encode()]
    content = path.read_bytes()
    tail = content[-_TAIL:]
    return not content.endswith(b"\n") or not any(mark in tail or mark in content for mark in marks)

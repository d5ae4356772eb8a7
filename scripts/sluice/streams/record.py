"""What has landed of one partition: the pure rules, apart from any file or broker.

The record is a list of lines, oldest first. A `begin` line announces a file before it gets its name, so a
begin whose file exists has landed, and one whose file is missing never happened. Every other line states a
fact. The last line that holds is the state; the names of the landed files are a second source.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sluice.streams.names import Position


@dataclass(frozen=True)
class Landed:
    """The state of a partition: everything up to `last` (included) has landed; None: nothing has."""

    last: Position | None = None
    generation: int = 1
    topic_id: str = ""
    is_sparse: bool = False
    """Some positions hold no message: marks of transactions, and messages of aborted ones."""


@dataclass(frozen=True)
class Line:
    """One line of the record. `file` is relative to the feed's landing folder; empty for a fact without a
    file. `size` is what the file was written with; 0: not known."""

    kind: str  # begin | landed | opened | mended
    landed: Landed
    file: str = ""
    size: int = 0

    def to_text(self) -> str:
        """The line as JSON with its newline."""
        fields = {
            "kind": self.kind,
            "last": self.landed.last,
            "generation": self.landed.generation,
            "topic_id": self.landed.topic_id,
            **({"sparse": True} if self.landed.is_sparse else {}),
            "file": self.file,
            "size": self.size,
        }
        return json.dumps(fields, separators=(",", ":")) + "\n"


def parse_line(text: str) -> Line | None:
    """The line, or None where a crash tore it."""
    try:
        fields = json.loads(text)
        last = fields["last"]
        last = None if last is None else tuple(last)
        landed = Landed(last, fields["generation"], fields["topic_id"], fields.get("sparse", False))
        return Line(fields["kind"], landed, fields["file"], fields.get("size", 0))
    except (ValueError, KeyError, TypeError):
        return None


def newest(lines: list[Line], exists: Callable[[str], bool]) -> Landed:
    """The state after these lines: the newest that is a fact, or whose announced file is there."""
    for line in reversed(lines):
        if line.kind != "begin" or exists(line.file):
            return line.landed
    return Landed()


def with_files(state: Landed, files: Iterable[tuple[int, Position]]) -> Landed:
    """The state, moved forward to the newest (generation, last position) that a file's name proves."""
    best = state
    for generation, last in files:
        ahead = generation > best.generation or (
            generation == best.generation and (best.last is None or last > best.last)
        )
        if ahead:
            topic_id = best.topic_id if generation == best.generation else ""
            best = replace(best, last=last, generation=generation, topic_id=topic_id)
    return best


@dataclass(frozen=True)
class Decision:
    """What to do with a batch: land the messages from index `skip` on; `hole` says it must be read again."""

    skip: int = 0
    hole: bool = False


def decide(state: Landed, generation: int, after: Position | None, positions: list[Position]) -> Decision:
    """Judge a batch of ascending positions, read by someone who had seen everything up to `after`.

    Positions that landed already are skipped. A batch that continues from further on than what landed would
    leave a hole, one of another generation belongs to another topic: both are refused.
    """
    if generation != state.generation:
        return Decision(hole=True)
    if after is not None and (state.last is None or after > state.last):
        return Decision(hole=True)
    if state.last is None:
        return Decision()
    low, high = 0, len(positions)
    while low < high:
        middle = (low + high) // 2
        if positions[middle] <= state.last:
            low = middle + 1
        else:
            high = middle
    return Decision(skip=low)

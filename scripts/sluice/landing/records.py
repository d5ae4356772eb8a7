"""The careful reader: records whose quotes run over lines, stray quotes, and where to go on after one.

Each character is looked at a bounded number of times, however the quotes stand: what follows an open quote at
the beginning of a line does not depend on where it was opened, so one look ahead (`_Chain`) serves all lines.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from sluice.landing import limits
from sluice.landing.lines import GOOD, ODD, QUOTED, Lines


class Verdict(Enum):
    """What a record turned out to be."""

    RECORD = "record"
    TOO_FEW = "too_few_columns"
    TOO_MANY = "too_many_columns"
    UNTERMINATED = "unterminated_quote"
    UNKNOWN = "the window ends before it is clear"


class State(Enum):
    """How a piece of text ended."""

    CLOSED = 0
    OPEN = 1
    BROKEN = 2


@dataclass
class _Chain:
    """What follows a quoted field that is open at the beginning of a line.

    `lines[k]` are lines at whose beginning a quoted field is open that was not open `k - 1` entries before;
    `columns[k]` counts the fields completed until there. `state` is None until the end is known, then CLOSED
    (the record ends with line `last`) or BROKEN.
    """

    lines: list[int]
    columns: list[int] = field(default_factory=lambda: [0])
    state: State | None = None
    last: int = 0
    total: int = 0


class Reader:
    """Parses the records of one window."""

    def __init__(self, data: bytearray, lines: Lines, delimiter: bytes, width: int, *, ended: bool) -> None:
        """`data` may be longer than the judged lines; `ended`: nothing follows them in the file."""
        self._data = data
        self._starts: list[int] = lines.starts.tolist()
        self._ends: list[int] = lines.ends.tolist()
        self._delimiter = delimiter
        self._opening = delimiter + b'"'
        self._width = width
        self._ended = ended
        self._count = len(lines.starts)
        self._kinds = lines.kinds.tobytes()
        self._chain: _Chain | None = None
        self._seen: dict[int, tuple[State, int]] = {}
        whole = (lines.kinds == GOOD) | (lines.kinds == ODD)
        self._candidates: list[int] = np.flatnonzero(whole | (lines.kinds == QUOTED)).tolist()

    def read(self, line: int) -> tuple[Verdict, int]:
        """Parse the record that begins with a QUOTED line.

        Returns what it is and the line after it. UNKNOWN if more of the file must be seen first.
        """
        state, columns = self._by_itself(line)
        if state is State.CLOSED:
            return self._of_width(columns), line + 1
        if state is State.OPEN:
            return self._read_on(line, columns)
        return self._stray(line + 1)

    def _read_on(self, line: int, columns: int) -> tuple[Verdict, int]:
        """Parse a record that begins with `line`, in which a quoted field is open after `columns` others."""
        start = self._starts[line]
        chain, base = self._chain_from(line + 1)
        columns -= base
        looked = line + 1
        while chain.state is None:
            reached = chain.lines[-1]
            beyond = self._count if reached >= self._count else reached
            far = (self._ends[beyond - 1] if beyond else 0) - start > limits.RECORD
            if far or columns + chain.columns[-1] >= self._width:
                found = self._next_whole(looked, beyond)
                if found is not None:
                    return Verdict.UNTERMINATED, found
                looked = max(looked, beyond)
            if not self._extend(chain):
                if self._ended:
                    chain.state = State.BROKEN
                elif self._ends[-1] - start > limits.RECORD:
                    found = self._next_whole(looked, self._count)
                    return (Verdict.UNKNOWN, line) if found is None else (Verdict.UNTERMINATED, found)
                else:
                    return Verdict.UNKNOWN, line
        if chain.state is State.BROKEN:
            return self._stray(looked)
        columns += chain.total
        after = chain.last + 1
        if columns == self._width and self._ends[chain.last] - start <= limits.RECORD:
            return Verdict.RECORD, after
        found = self._next_whole(looked, after)
        if found is not None:
            return Verdict.UNTERMINATED, found
        return self._of_width(columns), after

    def _of_width(self, columns: int) -> Verdict:
        if columns == self._width:
            return Verdict.RECORD
        return Verdict.TOO_FEW if columns < self._width else Verdict.TOO_MANY

    def _stray(self, line: int) -> tuple[Verdict, int]:
        """The way on after a stray quote: the first line from `line` on that is a whole record by itself."""
        found = self._next_whole(line, self._count)
        if found is not None:
            return Verdict.UNTERMINATED, found
        return (Verdict.UNTERMINATED, self._count) if self._ended else (Verdict.UNKNOWN, line)

    def _next_whole(self, first: int, stop: int) -> int | None:
        """The first line in [first, stop) that by itself splits to the header's width."""
        at = bisect_left(self._candidates, first)
        while at < len(self._candidates):
            line = self._candidates[at]
            if line >= stop:
                return None
            if self._kinds[line] != QUOTED or self._by_itself(line) == (State.CLOSED, self._width):
                return line
            at += 1
        return None

    def _by_itself(self, line: int) -> tuple[State, int]:
        seen = self._seen.get(line)
        if seen is None:
            seen = self._split(self._starts[line], self._ends[line])
            self._seen[line] = seen
        return seen

    def _split(self, at: int, end: int) -> tuple[State, int]:
        """Count the fields of one line's text; if the last one is open, the fields before it."""
        data = self._data
        columns = 0
        while True:
            if at < end and data[at] == 34:
                close = data.find(b'"', at + 1, end)
                while close >= 0 and close + 1 < end and data[close + 1] == 34:
                    close = data.find(b'"', close + 2, end)
                if close < 0:
                    return State.OPEN, columns
                columns += 1
                if close + 1 == end:
                    return State.CLOSED, columns
                if data[close + 1] != self._delimiter[0]:
                    return State.BROKEN, columns
                at = close + 2
            else:
                stop = data.find(self._opening, at, end)
                if stop < 0:
                    return State.CLOSED, columns + data.count(self._delimiter, at, end) + 1
                columns += data.count(self._delimiter, at, stop) + 1
                at = stop + 1

    def _chain_from(self, line: int) -> tuple[_Chain, int]:
        """The chain a field open at the beginning of `line` belongs to, and the fields before it."""
        chain = self._chain
        if chain is not None and chain.lines[0] <= line <= max(chain.lines[-1], chain.last):
            entry = bisect_right(chain.lines, line) - 1
            return chain, chain.columns[entry]
        self._chain = _Chain([line])
        return self._chain, 0

    def _extend(self, chain: _Chain) -> bool:
        """Follow a chain through the line that closes its open field; False if no line of the window does."""
        first = chain.lines[-1]
        if first >= self._count:
            return False
        data, stop = self._data, self._ends[-1]
        close = data.find(b'"', self._starts[first], stop)
        while close >= 0 and close + 1 < stop and data[close + 1] == 34:
            close = data.find(b'"', close + 2, stop)
        if close < 0:
            return False
        line = bisect_right(self._starts, close) - 1
        end = self._ends[line]
        state, columns = State.CLOSED, 0
        if close + 1 < end:
            state = State.BROKEN
            if data[close + 1] == self._delimiter[0]:
                state, columns = self._split(close + 2, end)
        columns += 1 + chain.columns[-1]
        if state is State.OPEN:
            chain.lines.append(line + 1)
            chain.columns.append(columns)
        else:
            chain.state, chain.last, chain.total = state, line, columns
        return True

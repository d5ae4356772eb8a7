"""The careful reader: records whose quotes run over lines, stray quotes, and where to go on after one.

Each character is looked at a bounded number of times, however the quotes stand: what follows an open quote at
the beginning of a line does not depend on where it was opened, so one look ahead (`_Chain`) serves all lines.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from sluice.landing import limits
from sluice.landing.fields import State, closing_quote, fields_at, is_empty, is_invisible
from sluice.landing.header import find_repeated
from sluice.landing.lines import EMPTY, GOOD, ODD, Lines
from sluice.landing.names import Header, Names
from sluice.landing.surplus import Surplus


class Verdict(Enum):
    """What a record turned out to be; the values of faults are their reasons."""

    RECORD = "record"
    BLANK = "nothing but white space, delimiters and quotes"
    HEADER = "header"
    TOO_LONG = "line_too_long"
    FEW_VALUES = "too_few_values"
    TOO_FEW = "too_few_columns"
    TOO_MANY = "too_many_columns"
    UNTERMINATED = "unterminated_quote"
    UNKNOWN = "the window ends before it is clear"


@dataclass(frozen=True)
class Outcome:
    """What a record is, and the line after it (of the window).

    `values` of a RECORD, without empty surplus fields; `header` of a HEADER. `is_open`: a fault that goes on behind
    the window, until a line that is a whole record by itself.
    """

    verdict: Verdict
    after: int
    values: list[bytes] = field(default_factory=list)
    header: Header | None = None
    is_open: bool = False


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


class Reader:
    """Parses the records of one window."""

    def __init__(
        self,
        data: bytearray,
        lines: Lines,
        header: Header,
        names: Names,
        *,
        ended: bool,
        is_full: bool,
        surplus: Surplus,
    ) -> None:
        """`data` may be longer than the judged lines. `ended`: nothing follows them in the file; `is_full`: the window
        cannot grow, so the record that begins with its first line is judged by what is there; `surplus` as for judge()."""
        self._data = data
        self._lines = lines
        self._starts: list[int] = lines.starts.tolist()
        self._ends: list[int] = lines.ends.tolist()
        self._header = header
        self._names = names
        self._fields = fields_at(header.delimiter.encode())
        self._ended = ended
        self._is_full = is_full
        self._surplus = surplus
        self._count = len(lines.starts)
        self._kinds = lines.kinds.tobytes()
        self._headers = lines.headers.tobytes()
        self._chain: _Chain | None = None
        self._seen: dict[int, tuple[State, int]] = {}
        self._whole: dict[int, bool] = {}
        self._candidates: list[int] = np.flatnonzero((lines.kinds == GOOD) | (lines.kinds == ODD)).tolist()

    def read(self, line: int) -> Outcome:
        """Parse the record that begins with an ODD line. UNKNOWN if more of the file must be seen first."""
        if line in self._lines.groups:
            outcome = self._as_one(line, self._lines.groups[line])
            if outcome is not None:
                return outcome
        header = self._header_at(line)
        if header is not None:
            return Outcome(Verdict.HEADER, line + 1, header=header)
        if self._kinds[line] == GOOD:
            return self._judge(line, line + 1)
        state, columns = self._by_itself(line)
        if state is State.CLOSED:
            return self._judge(line, line + 1)
        if state is State.SHIFTED:
            return Outcome(Verdict.UNTERMINATED, line + 1)
        outcome = self._read_on(line, columns) if state is State.OPEN else self._stray(line, line + 1)
        if outcome.verdict is Verdict.UNTERMINATED and self._fields.is_blank(self._text(line, line + 1)):
            return Outcome(Verdict.BLANK, line + 1)
        return outcome

    def next_whole(self, first: int) -> int | None:
        """The first line from `first` on that is a whole record, or a header, by itself."""
        return self._next_whole(first, self._count)

    def _text(self, first: int, stop: int) -> bytes:
        return bytes(self._data[self._starts[first] : self._ends[stop - 1]])

    def _as_one(self, line: int, stop: int) -> Outcome | None:
        """Lines that a CR ended, as one record in which it is text, if they are no records or headers by themselves."""
        if any(self._header_at(part) for part in range(line, stop)):
            return None
        if all(self._is_whole(part) or self._is_blank(part) for part in range(line, stop)):
            return None
        text = self._text(line, stop)
        if self._fields.count(text, 0, len(text))[0] is not State.CLOSED:
            return None
        outcome = self._judge(line, stop)
        return outcome if outcome.verdict is Verdict.RECORD else None

    def _judge(self, line: int, stop: int) -> Outcome:
        """Judge a record whose quotes are in order."""
        if self._ends[stop - 1] - self._starts[line] > limits.RECORD:
            return Outcome(Verdict.TOO_LONG, stop)
        values = self._fields.split(self._text(line, stop))
        header = self._names.header(values, self._header.delimiter) if stop - line > 1 else None
        if header is not None:
            return Outcome(Verdict.HEADER, stop, header=header[0])
        return Outcome(self._verdict(values), stop, values)

    def _verdict(self, values: list[bytes]) -> Verdict:
        """Judge values; empty surplus ones are taken away.

        Where rows do not usually have those, a delimiter may have got into the row anywhere: then nobody knows which
        values belong where.
        """
        named, width = self._header.named, len(values)
        while len(values) > named and is_empty(values[-1]):
            values.pop()
        is_alone = all(map(is_empty, values[1:]))
        if not (is_alone or self._surplus.may_be(self._header, values, width)):
            return Verdict.TOO_MANY
        if named <= len(values) <= self._header.width and not (
            is_alone and (named > 1 or is_empty(values[0]))
        ):
            return Verdict.RECORD
        if all(map(is_invisible, values)):
            return Verdict.BLANK
        if is_alone and named > 1:
            return Verdict.FEW_VALUES
        return Verdict.TOO_FEW if len(values) < named else Verdict.TOO_MANY

    def _read_on(self, line: int, columns: int) -> Outcome:
        """Parse a record that begins with `line`, in which a quoted field is open after `columns` others."""
        start = self._starts[line]
        chain, base = self._chain_from(line + 1)
        columns -= base
        looked = line + 1
        while chain.state is None:
            reached = chain.lines[-1]
            beyond = min(reached, self._count)
            far = (self._ends[beyond - 1] if beyond else 0) - start > limits.RECORD
            if far or columns + chain.columns[-1] >= self._header.width:
                found = self._next_whole(looked, beyond)
                if found is not None:
                    return Outcome(Verdict.UNTERMINATED, found)
                looked = max(looked, beyond)
            if not self._extend(chain):
                if self._ended:
                    chain.state = State.BROKEN
                    break
                found = None
                if self._ends[-1] - start > limits.RECORD or (self._is_full and line == 0):
                    found = self._next_whole(looked, self._count)
                if found is not None:
                    return Outcome(Verdict.UNTERMINATED, found)
                return self._unclear(line, Verdict.TOO_LONG)
        if chain.state is State.BROKEN:
            return self._stray(line, looked)
        outcome = self._judge(line, chain.last + 1)
        if outcome.verdict in (Verdict.RECORD, Verdict.BLANK):
            return outcome
        found = self._next_whole(looked, chain.last + 1)
        return outcome if found is None else Outcome(Verdict.UNTERMINATED, found)

    def _stray(self, line: int, first: int) -> Outcome:
        """The way on after a stray quote: the first line from `first` on that is a whole record by itself."""
        found = self._next_whole(first, self._count)
        if found is not None:
            return Outcome(Verdict.UNTERMINATED, found)
        if self._ended:
            return Outcome(Verdict.UNTERMINATED, self._count)
        return self._unclear(line, Verdict.UNTERMINATED)

    def _unclear(self, line: int, verdict: Verdict) -> Outcome:
        if self._is_full and line == 0:
            return Outcome(verdict, self._count, is_open=True)
        return Outcome(Verdict.UNKNOWN, line)

    def _next_whole(self, first: int, stop: int) -> int | None:
        at = bisect_left(self._candidates, first)
        while at < len(self._candidates) and self._candidates[at] < stop:
            if self._is_whole(self._candidates[at]):
                return self._candidates[at]
            at += 1
        return None

    def _is_whole(self, line: int) -> bool:
        """Whether a line is a record of the right width, if maybe too long, or a header, by itself."""
        if self._kinds[line] == GOOD:
            return True
        seen = self._whole.get(line)
        if seen is None:
            seen = self._kinds[line] == ODD
            seen = seen and (self._header_at(line) is not None or self._is_record(line))
            self._whole[line] = seen
        return seen

    def _is_record(self, line: int) -> bool:
        if self._by_itself(line)[0] is not State.CLOSED:
            return False
        return self._verdict(self._fields.split(self._text(line, line + 1))) is Verdict.RECORD

    def _is_blank(self, line: int) -> bool:
        return self._kinds[line] == EMPTY or self._fields.is_blank(self._text(line, line + 1))

    def _header_at(self, line: int) -> Header | None:
        if not self._headers[line]:
            return None
        return find_repeated(self._text(line, line + 1), self._names, self._header.delimiter)

    def _by_itself(self, line: int) -> tuple[State, int]:
        seen = self._seen.get(line)
        if seen is None:
            seen = self._fields.count(self._data, self._starts[line], self._ends[line])
            self._seen[line] = seen
        return seen

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
        close = closing_quote(self._data, self._starts[first], self._ends[-1])
        if close < 0:
            return False
        line = bisect_right(self._starts, close) - 1
        state, columns = self._fields.count(self._data, close, self._ends[line], close=close)
        if state is State.OPEN:
            chain.lines.append(line + 1)
            chain.columns.append(columns + chain.columns[-1])
        else:
            chain.state, chain.last = State.BROKEN if state is State.SHIFTED else state, line
        return True

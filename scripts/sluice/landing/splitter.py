"""Find the records of a text that is not regular, window by window, and say of each what it is."""

import sys
from dataclasses import dataclass

import numpy as np

from sluice.landing import limits
from sluice.landing.fields import fields_at
from sluice.landing.header import Start
from sluice.landing.lines import EMPTY, GOOD, Lines, judge
from sluice.landing.names import Header, Names
from sluice.landing.output import LongText
from sluice.landing.proof import Layout
from sluice.landing.records import Outcome, Reader, Verdict
from sluice.landing.surplus import Surplus
from sluice.landing.window import Window

REACH = 1 << 9
"""How many bytes are looked at after the columns have changed."""


class Splitter:
    """Finds the records at the front of a window, and says of each what it is."""

    def __init__(self, window: Window, start: Start, names: Names, *, surplus: Surplus) -> None:
        """Records are those below `start`; `surplus` as for judge()."""
        self._surplus = surplus
        self._window = window
        self._names = names
        self._line = start.line
        self._use(start.header)
        self._crlf = start.crlf
        self._long: _LongFault | None = None
        self._reach = sys.maxsize

    def run(self) -> None:
        """Go through the file."""
        window = self._window
        while window.size:
            used = self.take()
            if used:
                window.drop(used)
            else:
                window.grow()
        if self._long is not None:
            self._end_long()

    def take(self) -> int:
        """Take records off the front of the window; the bytes taken, 0 if more must be seen first."""
        if self._long is not None:
            return self._take_long()
        is_far = self._reach >= limits.WINDOW
        return (is_far and self.take_proven()) or self.take_careful()

    def take_proven(self) -> int:
        """Take all whole records of the window if they can be proven regular."""
        return 0

    def take_careful(self) -> int:
        """Look at the lines of the window one by one: at a few only (`_reach`) after the columns have changed, as they
        may soon change again."""
        window = self._window
        cut = window.whole_lines(self._reach)
        is_all = cut == window.whole_lines(sys.maxsize)
        if not cut:
            return self._begin_long_line() if window.is_full else 0
        lines = judge(
            window.array[:cut], self._layout, self._names, mid_line=window.mid_line, surplus=self._surplus
        )
        reader = Reader(
            window.data, lines, self._header, self._names, ended=window.ended and cut == window.size,
            is_full=window.is_full and is_all,
            surplus=self._surplus,
        )  # fmt: skip
        line, count = 0, len(lines.starts)
        for odd in np.flatnonzero(lines.kinds != GOOD).tolist():
            if odd < line:
                continue
            self._take_good(lines, line, odd)
            line = odd + 1
            if lines.kinds[odd] == EMPTY and odd not in lines.groups:
                continue
            outcome = reader.read(odd)
            if outcome.verdict is Verdict.UNKNOWN:
                self._reach = sys.maxsize
                if not odd and not is_all:
                    return self.take_careful()
                self._line += odd
                return int(lines.starts[odd])
            if outcome.is_open:
                self._begin_long(outcome.verdict, cut)
                self._line += count
                return cut
            line = outcome.after
            if outcome.verdict is Verdict.HEADER:
                assert outcome.header is not None
                if self._changes(outcome.header):
                    self._line += line
                    self._reach = REACH
                    return int(lines.starts[line]) if line < count else cut
                continue
            if outcome.verdict is not Verdict.BLANK:
                self._take(outcome, lines, odd, line)
        self._take_good(lines, line, count)
        self._line += count
        self._reach *= 2
        return cut

    def _changes(self, header: Header) -> bool:
        """Use another header from here on; whether its lines must be judged in another way."""
        before = self._header
        if header != before:
            self._use(header)
        return (header.delimiter, header.named, header.width) != (
            before.delimiter,
            before.named,
            before.width,
        )

    def _use(self, header: Header) -> None:
        """From here on the columns are those of `header`."""
        self._header = header
        self._fields = fields_at(header.delimiter.encode())
        self._layout = Layout(ord(header.delimiter), header.named, crlf=False)

    def _take_good(self, lines: Lines, first: int, stop: int) -> None:
        """Take a run of lines that are all GOOD."""

    def _take(self, outcome: Outcome, lines: Lines, first: int, stop: int) -> None:
        """Take the record of these lines."""

    def _take_fault(self, reason: str, raw: bytes, line: int) -> None:
        """Take a fault that is longer than a window."""

    def _new_long_text(self) -> LongText:
        """What keeps the text of a fault that is longer than a window."""
        return LongText(0)

    def _begin_long(self, verdict: Verdict, size: int, *, in_line: bool = False) -> None:
        self._long = _LongFault(verdict.value, self._line, self._new_long_text(), in_line=in_line)
        self._long.text.add(memoryview(self._window.data)[:size])

    def _begin_long_line(self) -> int:
        size = self._window.size - (self._window.data[self._window.size - 1] == 13)
        self._begin_long(Verdict.TOO_LONG, size, in_line=True)
        return size

    def _take_long(self) -> int:
        """Take more of a fault that began before the window."""
        window, long = self._window, self._long
        assert long is not None
        if long.in_line:
            return self._take_long_line()
        cut = window.whole_lines(sys.maxsize)
        if not cut and not window.is_full:
            return 0
        if not cut:
            long.in_line = long.goes_on = True
            return self._take_long_line()
        lines = judge(
            window.array[:cut], self._layout, self._names, mid_line=window.mid_line, surplus=self._surplus
        )
        reader = Reader(
            window.data, lines, self._header, self._names, ended=False, is_full=False, surplus=self._surplus
        )
        whole = reader.next_whole(0)
        count = len(lines.starts) if whole is None else whole
        used = cut if whole is None else int(lines.starts[whole])
        long.text.add(memoryview(window.data)[:used])
        self._line += count
        if whole is not None:
            self._end_long()
        return used or self.take()

    def _take_long_line(self) -> int:
        window, long = self._window, self._long
        assert long is not None
        ends = [
            at
            for at in (window.data.find(b"\n", 0, window.size), window.data.find(b"\r", 0, window.size))
            if at >= 0
        ]
        if not ends:
            long.text.add(memoryview(window.data)[: window.size])
            return window.size
        end = min(ends)
        if window.data[end] == 13 and end + 1 == window.size and not window.ended:
            long.text.add(memoryview(window.data)[:end])
            return end
        end += 2 if window.data.startswith(b"\r\n", end) else 1
        long.text.add(memoryview(window.data)[:end])
        long.in_line = False
        self._line += 1
        if not long.goes_on:
            self._end_long()
        return end

    def _end_long(self) -> None:
        assert self._long is not None
        self._take_fault(self._long.reason, self._long.text.text(), self._long.line)
        self._long = None


@dataclass
class _LongFault:
    """A fault that is longer than a window: to the end of its line (`in_line`), or until a whole record follows."""

    reason: str
    line: int
    text: LongText
    in_line: bool
    goes_on: bool = False

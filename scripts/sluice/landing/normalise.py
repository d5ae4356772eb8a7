"""Take a file apart that is not regular: good records into copies, faulty ones aside with their reason.

If several faults apply to a record, the first of this list is its reason: `invalid_encoding`,
`unterminated_quote`, `line_too_long`, `too_few_values`, `too_few_columns` or `too_many_columns`. Where a record
ends is decided by its quotes and line ends alone, before its bytes are decoded.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sluice.landing.dialect import Dialect
from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import FeedFormat
from sluice.landing.header import Start
from sluice.landing.lines import Lines
from sluice.landing.names import Header, Names
from sluice.landing.output import Aside, FaultWriter, LongText, Part, cut_text, write_lines
from sluice.landing.proof import Layout, Proven, Prover, record_lines
from sluice.landing.records import Outcome, Verdict
from sluice.landing.source import open_file
from sluice.landing.splitter import Splitter
from sluice.landing.surplus import Surplus
from sluice.landing.text import Text
from sluice.landing.window import Window

MAX_PARTS = 64
"""How many different headers one file may have."""


@dataclass(frozen=True)
class Normalised:
    """The outcome: the copies, and what they and the faults hold."""

    records: int
    faults: int
    parts: list[Part]
    faults_path: str | None
    lines_path: str | None


def normalise(
    text: Text, names: Names, feed: FeedFormat, dialect: Dialect, work_dir: Path, *, aside: Aside, number: int
) -> Normalised:
    """Split the records of a text that RFC 4180 reads into good and faulty ones; what is written is in the `dialect`
    that the file had; faults and lines of the file `number` go `aside`.

    Raises UnreadableFileError if reading fails or the file has too many headers, OSError if writing fails.
    """
    start = text.start
    with open_file(text.path) as source, FaultWriter(aside.faults, number) as faults:
        window = Window(source, start.data_start, text.stop, crlf=start.crlf, mid_line=start.mid_line)
        parts = _Parts(work_dir, dialect)
        try:
            limit = feed.limits.max_raw_bytes
            Sorter(window, start, names, parts, faults, raw_limit=limit, surplus=text.surplus(names)).run()
        finally:
            parts.close()
    kept = [part for part in parts.all if part.runs.count] or parts.all[:1]
    records = sum(part.runs.count for part in kept)
    lines_path = write_lines(aside.lines, number, [part.runs for part in kept])
    return Normalised(
        records + faults.count, faults.count, kept, aside.faults.path if faults.count else None, lines_path
    )


class _Parts:
    """The copies of a file, one for each layout of columns that it has."""

    def __init__(self, work_dir: Path, dialect: Dialect) -> None:
        self._work_dir = work_dir
        self.dialect = dialect
        self.all: list[Part] = []
        self._of: dict[tuple[Header, int], Part] = {}

    def part(self, header: Header, width: int) -> Part:
        """The copy for records of a header that are so wide. Raises UnreadableFileError if it would be one too many."""
        found = self._of.get((header, width))
        if found is None:
            if len(self.all) == MAX_PARTS:
                raise UnreadableFileError(
                    f"The file has more than {MAX_PARTS} different headers. Deliver each table as a file of its own."
                )
            found = self._of[header, width] = Part(self._work_dir, header, width, self.dialect)
            self.all.append(found)
        return found

    def close(self) -> None:
        for part in self.all:
            part.close()


class Sorter(Splitter):
    """Moves records to where they belong: good ones to a copy, faulty ones aside."""

    def __init__(
        self,
        window: Window,
        start: Start,
        names: Names,
        parts: _Parts,
        faults: FaultWriter,
        *,
        raw_limit: int,
        surplus: Surplus,
    ) -> None:
        """Records go to `parts` and `faults`; no more than `raw_limit` bytes of a fault are kept."""
        self._parts = parts
        self._faults = faults
        self._raw_limit = raw_limit
        super().__init__(window, start, names, surplus=surplus)

    def _new_long_text(self) -> LongText:
        return LongText(self._raw_limit)

    def _use(self, header: Header) -> None:
        super()._use(header)
        self._part = self._parts.part(header, header.named)
        self._prover: Prover | None = None

    def take_proven(self) -> int:
        """Copy all whole records of the window if they can be proven regular; the number of bytes taken."""
        window = self._window
        if not self._parts.dialect.is_usual or window.mid_line:
            return 0
        if self._prover is None:
            layout = Layout(self._layout.delimiter, self._layout.width, self._crlf)
            self._prover = Prover(layout, self._names)
        proven = self._prover.prove(window)
        if proven is None or not proven.records:
            return 0
        text = self._with_lf(proven)
        if proven.inner_lines:
            lines, count = record_lines(window.array[: proven.size], proven.ends)
            self._part.add_text_lines(text, lines + self._line)
            self._line += count
        else:
            self._part.add_text(text, self._line, proven.records)
            self._line += proven.records
        return proven.size

    def _with_lf(self, proven: Proven) -> bytes | bytearray:
        text = self._window.data[: proven.size]
        if not self._crlf:
            return text
        if not proven.inner_lines:
            return text.replace(b"\r\n", b"\n")
        return np.delete(self._window.array[: proven.size], proven.ends - 1).tobytes()

    def _take_good(self, lines: Lines, first: int, stop: int) -> None:
        if first >= stop:
            return
        window = self._window
        start, end = int(lines.starts[first]), int(lines.ends[stop - 1])
        text: bytes | bytearray = window.data[start:end]
        if len(lines.surplus):
            surplus = lines.surplus[slice(*np.searchsorted(lines.surplus, [start, end]))]
            text = np.delete(window.array[start:end], surplus - start).tobytes() if len(surplus) else text
        if not lines.lf_only:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if self._parts.dialect.is_usual or self._parts.dialect.is_plain(text):
            self._part.add_text(text + b"\n", self._line + first, stop - first)
        else:
            for line, record in enumerate(bytes(text).split(b"\n"), self._line + first):
                self._part.add_record(self._fields.split(record), line)

    def _take(self, outcome: Outcome, lines: Lines, first: int, stop: int) -> None:
        text = bytes(self._window.data[lines.starts[first] : lines.ends[stop - 1]])
        line = self._line + first
        if not lines.clean_text and not _is_utf8(text):
            self._take_fault("invalid_encoding", self._cut(text), line)
        elif outcome.verdict is not Verdict.RECORD:
            self._take_fault(outcome.verdict.value, self._cut(text), line)
        elif len(outcome.values) == self._part.width:
            self._part.add_record(outcome.values, line)
        else:
            self._parts.part(self._header, self._header.width).add_record(outcome.values, line)

    def _cut(self, text: bytes) -> bytes:
        return text if len(text) <= self._raw_limit else cut_text(text[: self._raw_limit], len(text))

    def _take_fault(self, reason: str, raw: bytes, line: int) -> None:
        self._faults.add(reason, self._parts.dialect.raw(raw), line)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

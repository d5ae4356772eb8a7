"""Take a file apart that is not regular: good records into a copy, faulty ones aside with their reason.

If several faults apply to a record, the first of this list is its reason: `invalid_encoding`,
`unterminated_quote`, `line_too_long`, `too_few_columns` or `too_many_columns`. Where a record ends is decided
by its quotes and line ends alone, before its bytes are decoded.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sluice.landing import limits
from sluice.landing.header import Header
from sluice.landing.lines import EMPTY, GOOD, LONG, QUOTED, SHORT, Lines, judge
from sluice.landing.output import CopyWriter, FaultWriter
from sluice.landing.proof import Layout, Proven, Prover
from sluice.landing.records import Reader, Verdict
from sluice.landing.source import open_file
from sluice.landing.window import Window

OF_KIND = {SHORT: Verdict.TOO_FEW, LONG: Verdict.TOO_MANY}


@dataclass(frozen=True)
class Normalised:
    """The outcome: paths of the copy and of the faults, and what they hold."""

    records: int
    faults: int
    copy_path: str
    faults_path: str | None
    quoted_newlines: bool


def normalise(path: str, header: Header, size_bytes: int, work_dir: Path) -> Normalised:
    """Split the records of a UTF-8 file (`size_bytes` long, more or less) into good and faulty ones.

    Raises UnreadableFileError if reading fails, OSError if writing does.
    """
    layout = Layout(ord(header.delimiter), len(header.names), header.crlf)
    with (
        open_file(path) as source,
        CopyWriter(work_dir, header.delimiter) as copy,
        FaultWriter(work_dir) as faults,
    ):
        window = Window(source, header.data_start, size_bytes, crlf=header.crlf)
        splitter = Splitter(window, layout, copy, faults)
        while window.size:
            used = splitter.take_proven() or splitter.take_careful()
            if used:
                window.drop(used)
            else:
                window.grow()
    return Normalised(
        splitter.good + faults.count, faults.count, copy.path, faults.path, copy.quoted_newlines
    )


class Splitter:
    """Moves the records at the front of a window to where they belong."""

    def __init__(self, window: Window, layout: Layout, copy: CopyWriter, faults: FaultWriter) -> None:
        """Records of this layout go to `copy`, faulty ones to `faults`."""
        self._window = window
        self._layout = layout
        self._prover = Prover(layout)
        self._copy = copy
        self._faults = faults
        self.good = 0

    def take_proven(self) -> int:
        """Copy all whole records of the window if they can be proven regular; the number of bytes taken."""
        window = self._window
        proven = self._prover.prove(window)
        if proven is None or not proven.records:
            return 0
        self._copy.add_records(self._with_lf(proven))
        self._copy.quoted_newlines |= proven.quoted_newlines
        self.good += proven.records
        return proven.size

    def _with_lf(self, proven: Proven) -> bytes | bytearray:
        text = self._window.data[: proven.size]
        if not self._layout.crlf:
            return text
        if not proven.quoted_newlines:
            return text.replace(b"\r\n", b"\n")
        return np.delete(self._window.array[: proven.size], proven.ends - 1).tobytes()

    def take_careful(self) -> int:
        """Sort the records of the window one by one; the bytes taken, 0 if more must be seen first."""
        window = self._window
        cut = window.data.rfind(b"\n", 0, window.size) + 1
        if not cut:
            return 0
        lines = judge(window.array[:cut], self._layout)
        delimiter = bytes([self._layout.delimiter])
        reader = Reader(window.data, lines, delimiter, self._layout.width, ended=window.ended)
        line = 0
        for odd in np.flatnonzero(lines.kinds != GOOD).tolist():
            if odd < line:
                continue
            self._take_good(lines, line, odd)
            kind = int(lines.kinds[odd])
            line = odd + 1
            if kind == EMPTY:
                continue
            verdict = OF_KIND.get(kind, Verdict.RECORD)
            if kind == QUOTED:
                verdict, line = reader.read(odd)
                if verdict is Verdict.UNKNOWN:
                    return int(lines.starts[odd])
            self._take(verdict, lines, odd, line)
        self._take_good(lines, line, len(lines.starts))
        return cut

    def _take_good(self, lines: Lines, first: int, stop: int) -> None:
        """Copy a run of lines that are all GOOD."""
        if first >= stop:
            return
        start = int(lines.starts[first])
        end = int(lines.starts[stop]) if stop < len(lines.starts) else None
        data = self._window.data
        text = (
            data[start:end] if end is not None else data[start : data.rfind(b"\n", 0, self._window.size) + 1]
        )
        self._copy.add_records(text.replace(b"\r\n", b"\n"))
        self.good += stop - first

    def _take(self, verdict: Verdict, lines: Lines, first: int, stop: int) -> None:
        """Put the record of these lines where it belongs."""
        text = bytes(self._window.data[lines.starts[first] : lines.ends[stop - 1]])
        if not lines.clean_text and not _is_utf8(text):
            self._faults.add("invalid_encoding", text)
        elif verdict is not Verdict.UNTERMINATED and len(text) > limits.RECORD:
            self._faults.add("line_too_long", text)
        elif verdict is Verdict.RECORD:
            self._copy.add_record(text)
            self.good += 1
        else:
            self._faults.add(verdict.value, text)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

"""Take one person's records out of the text of a landing file, and leave every other byte as it is."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sluice.forget.person import UNDECODABLE, Person
from sluice.landing import limits
from sluice.landing.header import Header, read_header
from sluice.landing.lines import Lines
from sluice.landing.normalise import Splitter
from sluice.landing.proof import Layout
from sluice.landing.records import Verdict
from sluice.landing.source import open_file
from sluice.landing.window import Window

csv.field_size_limit(limits.WINDOW_MAX)
"""Python's own limit for a field is 128 KiB; a record may be longer."""


@dataclass(frozen=True)
class Erased:
    """What one pass over a file found: how many records it left out, and whether a quote somewhere is not closed, so
    that what the other records are may depend on those that are gone."""

    count: int
    is_torn: bool


def erase_records(path: str, person: Person, write: Callable[[bytes], object]) -> Erased:
    """Write the text of a UTF-8 file without the person's records.

    A file with several columns of that name: the first counts, as when it is loaded. Raises UnreadableFileError.
    """
    size_bytes = Path(path).stat().st_size
    with open_file(path) as source:
        head = source.read(limits.HEADER + 2)
        header = read_header(head, frozenset(person.known), whole=len(head) >= size_bytes)
        write(head[: header.data_start])
        window = Window(source, header.data_start, size_bytes, crlf=header.crlf)
        eraser = _Eraser(window, header, person)
        taken = header.data_start
        while window.size:
            used = eraser.take_careful()
            if not used:
                window.grow()
                continue
            taken += used
            kept = eraser.kept(used)
            if taken > size_bytes and not eraser.erased_last:
                kept = kept[: size_bytes - taken]  # the window gives a last line an end that the file lacks
            write(kept)
            window.drop(used)
        return Erased(eraser.count, eraser.is_torn)


class _Eraser(Splitter):
    """Finds the person's records with the reader that finds them when a file is loaded."""

    def __init__(self, window: Window, header: Header, person: Person) -> None:
        layout = Layout(ord(header.delimiter), len(header.names), header.crlf)
        super().__init__(window, layout, None, None)  # type: ignore[arg-type]
        self._person = person
        self._text_delimiter = header.delimiter
        folded = [name.lower() for name in header.names]
        self._message = header.names.index(UNDECODABLE) if UNDECODABLE in header.names else None
        self._column = next((place for place, name in enumerate(folded) if name in person.names), None)
        self._spans: list[tuple[int, int]] = []
        self.count = 0
        self.is_torn = False
        self.erased_last = False

    def kept(self, used: int) -> bytes:
        """The bytes just taken, without the erased records."""
        spans = [span for span in self._spans if span[0] < used]
        self.count += len(spans)
        self.erased_last = bool(spans) and spans[-1][1] >= used
        self._spans = []
        kept, at = [], 0
        for start, end in spans:
            kept.append(self._window.data[at:start])
            at = end
        return b"".join([*kept, self._window.data[at:used]])

    def take_careful(self) -> int:
        """Look at the window's records one by one. See the reader."""
        self._spans = []
        return super().take_careful()

    def _take_good(self, lines: Lines, first: int, stop: int) -> None:
        if first >= stop or (self._column is None and self._message is None):
            return
        start, end = int(lines.starts[first]), int(lines.ends[stop - 1])
        if self._may_be_in(bytes(self._window.data[start:end])):
            for line in range(first, stop):
                self._judge(lines, line, line + 1, is_fault=False)

    def _take(self, verdict: Verdict, lines: Lines, first: int, stop: int) -> None:
        text = self._window.data[lines.starts[first] : lines.ends[stop - 1]]
        self.is_torn |= verdict is Verdict.UNTERMINATED
        is_fault = verdict is not Verdict.RECORD or len(text) > limits.RECORD or not _is_utf8(text)
        self._judge(lines, first, stop, is_fault=is_fault)

    def _judge(self, lines: Lines, first: int, stop: int, *, is_fault: bool) -> None:
        start = int(lines.starts[first])
        text = bytes(self._window.data[start : lines.ends[stop - 1]])
        if not self._may_be_in(text):
            return
        found = (
            self._person.is_in_fault(text.decode("utf-8", "backslashreplace"))
            if is_fault
            else self._holds_value(text)
        )
        if found:
            more = stop < len(lines.starts)
            self._spans.append(
                (start, int(lines.starts[stop]) if more else self._line_end(int(lines.ends[stop - 1])))
            )

    def _may_be_in(self, text: bytes) -> bool:
        return self._message is not None or self._person.may_be_in(text)

    def _holds_value(self, text: bytes) -> bool:
        rows = csv.reader([text.decode()], delimiter=self._text_delimiter, doublequote=True, strict=False)
        fields = next(rows)
        if self._message is not None and fields[self._message]:
            return self._person.is_in_message(fields[self._message])
        return self._column is not None and self._person.is_meant(fields[self._column])

    def _line_end(self, end: int) -> int:
        return self._window.data.index(b"\n", end) + 1


def _is_utf8(text: bytes | bytearray) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

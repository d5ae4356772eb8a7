"""Take one person's records out of the text of a landing file, and leave every other byte as it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from sluice.forget.person import UNDECODABLE, Person
from sluice.landing.header import Start
from sluice.landing.lines import Lines
from sluice.landing.names import Header, Names
from sluice.landing.output import LongText
from sluice.landing.records import Outcome, Verdict
from sluice.landing.source import open_file
from sluice.landing.splitter import Splitter
from sluice.landing.surplus import Surplus
from sluice.landing.text import Text
from sluice.landing.window import Window


@dataclass(frozen=True)
class Erased:
    """What one pass over a file found: how many records it left out, and whether a quote somewhere is not closed, so
    that what the other records are may depend on those that are gone."""

    count: int
    is_torn: bool


def erase_records(path: str, person: Person, write: Callable[[bytes], object], work: Path) -> Erased:
    """Write the text of a UTF-8 file without the person's records; `work` is a folder for copies.

    A file with several columns of that name: the first counts, as when it is loaded. Raises UnreadableFileError.
    """
    names = Names(person.feed)
    with open_file(path) as source:
        delivered = Text.of(path, names, person.feed)
        text, dialect = delivered.readable(names, person.feed, work)
        source.seek(text.stop)
        rest = source.read()
    with open_file(text.path) as source:
        window = Window(
            source, text.start.data_start, text.stop, crlf=text.start.crlf, mid_line=text.start.mid_line
        )
        eraser = _Eraser(
            window,
            text.start,
            names,
            person,
            work,
            lambda kept: write(dialect.raw(bytes(kept))),
            surplus=text.surplus(names),
        )
        write(delivered.top)
        eraser.run_to(text.stop - text.start.data_start)
    write(rest)
    return Erased(eraser.count, eraser.is_torn)


class _HeldText(LongText):
    """A fault that is longer than a window, in a file until it is known whether the person is in it."""

    def __init__(self, person: Person, work: Path) -> None:
        super().__init__(0)
        self._person = person
        self._file = TemporaryFile(dir=work)  # noqa: SIM115 - closed in pieces()
        self._tail = b""
        self.is_meant = False

    def add(self, text: bytes | bytearray | memoryview) -> None:
        """Keep a piece, and look for the person in it."""
        self._file.write(text)
        seen = self._tail + bytes(text)
        self.is_meant = self.is_meant or _is_in_fault(self._person, seen)
        self._tail = seen[-2000:]

    def pieces(self) -> Iterator[bytes]:
        """All of it."""
        self._file.seek(0)
        with self._file:
            while piece := self._file.read(1 << 20):
                yield piece


class _Eraser(Splitter):
    """Finds the person's records with the reader that finds them when a file is loaded."""

    def __init__(
        self,
        window: Window,
        start: Start,
        names: Names,
        person: Person,
        work: Path,
        write: Callable[[bytes | bytearray], object],
        *,
        surplus: Surplus,
    ) -> None:
        self._person = person
        self._work = work
        self._write = write
        self._spans: list[tuple[int, int]] = []
        self._pending = b""
        self._is_held = False
        self.count = 0
        self.is_torn = False
        super().__init__(window, start, names, surplus=surplus)

    def run_to(self, size: int) -> None:
        """Write the text, `size` bytes long, without the erased records."""
        window, taken = self._window, 0
        while window.size:
            used = self.take()
            if not used:
                window.grow()
                continue
            taken += used
            if not self._is_held:
                self._emit_kept(used)
            window.drop(used)
        if self._long is not None:
            self._end_long()
        added = taken - size  # the window gives a last line an end that the file lacks
        self._write(self._pending[: len(self._pending) - added])

    def _emit_kept(self, used: int) -> None:
        at = 0
        for start, end in self._spans:
            self._emit(self._window.data[at:start])
            at = end
        self.count += len(self._spans)
        self._emit(self._window.data[at:used])
        if at == used:
            self._emit(b"")

    def _emit(self, text: bytes | bytearray) -> None:
        self._write(self._pending)
        self._pending = bytes(text)

    def _use(self, header: Header) -> None:
        super()._use(header)
        columns, extra = list(header.columns), list(header.extra)
        self._column = columns.index(self._person.column) if self._person.column in columns else None
        self._message = extra.index(UNDECODABLE) if UNDECODABLE in extra else None

    def take_careful(self) -> int:
        """Look at the window's records one by one. See the reader."""
        self._spans, self._is_held = [], False
        return super().take_careful()

    def _new_long_text(self) -> LongText:
        return _HeldText(self._person, self._work)

    def _begin_long(self, verdict: Verdict, size: int, *, in_line: bool = False) -> None:
        self._is_held = True
        super()._begin_long(verdict, size, in_line=in_line)

    def _take_long(self) -> int:
        self._is_held = True
        return super()._take_long()

    def _end_long(self) -> None:
        assert self._long is not None and isinstance(self._long.text, _HeldText)
        held, self._long = self._long.text, None
        self.is_torn = True
        if held.is_meant:
            self.count += 1
            self._emit(b"")
            return
        for piece in held.pieces():
            self._emit(piece)

    def _take_good(self, lines: Lines, first: int, stop: int) -> None:
        if first >= stop or (self._column is None and self._message is None):
            return
        start, end = int(lines.starts[first]), int(lines.ends[stop - 1])
        if self._may_be_in(bytes(self._window.data[start:end])):
            for line in range(first, stop):
                self._judge(lines, line, line + 1, is_fault=False)

    def _take(self, outcome: Outcome, lines: Lines, first: int, stop: int) -> None:
        text = self._window.data[lines.starts[first] : lines.ends[stop - 1]]
        self.is_torn |= outcome.verdict is Verdict.UNTERMINATED
        is_fault = outcome.verdict is not Verdict.RECORD or not _is_utf8(text)
        self._judge(lines, first, stop, is_fault=is_fault)

    def _judge(self, lines: Lines, first: int, stop: int, *, is_fault: bool) -> None:
        start = int(lines.starts[first])
        text = bytes(self._window.data[start : lines.ends[stop - 1]])
        if not self._may_be_in(text):
            return
        if _is_in_fault(self._person, text) if is_fault else self._holds_value(text):
            more = stop < len(lines.starts)
            self._spans.append(
                (start, int(lines.starts[stop]) if more else self._line_end(int(lines.ends[stop - 1])))
            )

    def _may_be_in(self, text: bytes) -> bool:
        return self._message is not None or self._person.may_be_in(text)

    def _holds_value(self, text: bytes) -> bool:
        values = self._fields.split(text)
        if self._message is not None and values[self._message]:
            return self._person.is_in_message(values[self._message].decode())
        return self._column is not None and self._person.is_meant(values[self._column].decode())

    def _line_end(self, end: int) -> int:
        data = self._window.data
        return end + (2 if data.startswith(b"\r\n", end) else 1)


def _is_in_fault(person: Person, text: bytes) -> bool:
    """Whether the person's value stands between what may be separators."""
    return person.may_be_in(text) and person.is_in_fault(text.decode("utf-8", "backslashreplace"))


def _is_utf8(text: bytes | bytearray) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

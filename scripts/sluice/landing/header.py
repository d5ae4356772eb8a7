"""Where the header of a file stands, and headers further down."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import FeedFormat
from sluice.landing.fields import State, fields_at, is_invisible
from sluice.landing.names import Header, Names

DELIMITERS = (",", ";", "\t", "|")
BOM = b"\xef\xbb\xbf"
LINES = 32
"""How many lines from the beginning may be the header."""
LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class Start:
    """Where the records of a file begin: at byte `data_start`, in `line` (counted from 1).

    The header begins at `header_start`, below `skipped_lines`; `newline` is what it ends in, its `kind` 'first line',
    'below other lines' or 'none'. `is_plain`: another RFC 4180 reader finds the same header on the first line.
    """

    header: Header
    header_start: int
    data_start: int
    line: int
    skipped_lines: int
    kind: str
    is_plain: bool
    newline: bytes

    @property
    def crlf(self) -> bool:
        """Whether lines end in CRLF, as it seems."""
        return self.newline == b"\r\n"

    @property
    def mid_line(self) -> bool:
        """Whether a CR ended the header, so that for other readers the line may go on."""
        return self.newline == b"\r"


@dataclass(frozen=True)
class _Candidate:
    header: Header
    rank: tuple[int, int]
    end: int
    is_strict: bool


def find_header(head: bytes, names: Names, feed: FeedFormat, *, whole: bool) -> Start:
    """Find the header in the first bytes of a file.

    Args:
        head: the file's beginning, limits.HEADER bytes of it or more where there are as many.
        names: the feed's.
        whole: `head` is all there is.

    Raises UnreadableFileError if there is no text, no header within the first lines, or one with too many columns.
    """
    bom = len(BOM) if head.startswith(BOM) else 0
    delimiters = (feed.options.delimiter,) if feed.options.delimiter else DELIMITERS
    looked, first = 0, None
    for start, end in _lines(head, bom, whole=whole):
        looked += 1
        if not is_invisible(head[start:end][:1000].removeprefix(BOM)):
            found = _best(head, start, names, delimiters)
            first = head[start:end] if first is None else first
            if found is not None:
                return _start(head, bom, start, found, looked)
            if feed.options.header is False:
                break
        if looked == LINES:
            break
    if first is None:
        if not whole:
            raise UnreadableFileError("The first line is longer than 1 MiB. Check that this is a CSV file.")
        what = "has only empty lines" if head[bom:] else "is empty"
        raise UnreadableFileError(f"The file {what}. Deliver it with a header line.")
    if feed.options.header is False:
        delimiter = _delimiter_for(head, bom, len(feed.columns), delimiters)
        plain = b"\r" not in first and BOM not in first
        line_end = LINE_END.search(head, bom)
        newline = b"\r\n" if line_end and line_end[0] == b"\r\n" else b"\n"
        return Start(names.without_header(delimiter), bom, bom, 1, 0, "none", plain, newline)
    line = first[:1000].decode("utf-8", "backslashreplace")
    shown = line if len(line) <= 200 else line[:200] + "…"
    lines = "line" if looked == 1 else f"{looked} lines"
    raise UnreadableFileError(
        f"No header was found in the first {lines}. Looked for {names.wanted()}. Deliver the file with a header"
        " line, or say `header: false` for its source if its files have none.",
        f"The first line that is not empty: {shown!r}",
    )


def find_repeated(line: bytes, names: Names, delimiter: str) -> Header | None:
    """The header that a line further down is; None if it is none."""
    if (line, delimiter) in names.repeated:
        return names.repeated[line, delimiter]
    if not names.may_be_in(line.lower()):
        return None
    others = (other for other in DELIMITERS if other != delimiter)
    found = _best(line, 0, names, (delimiter, *others))
    if found and len(names.repeated) < 100 and len(line) < 10_000:
        names.repeated[line, delimiter] = found.header
    return found.header if found else None


def _lines(head: bytes, at: int, *, whole: bool) -> Iterator[tuple[int, int]]:
    """Where the lines begin and end, without a last one that is cut off."""
    while at < len(head):
        end = LINE_END.search(head, at)
        if end is None and not whole:
            return
        yield at, end.start() if end else len(head)
        at = end.end() if end else len(head)


def _best(head: bytes, start: int, names: Names, delimiters: Sequence[str]) -> _Candidate | None:
    """The header that begins here, with the delimiter that yields the most known names, then the most fields."""
    best: _Candidate | None = None
    for read in (_read_strict, _read_bare):
        for delimiter in delimiters:
            record = read(head, start, delimiter.encode())
            header = names.header(record[0], delimiter) if record else None
            if record is None or header is None:
                continue
            rank = (header[1], len(record[0]))
            if best is None or rank > best.rank:
                best = _Candidate(header[0], rank, record[1], read is _read_strict)
        if best is not None:
            return best
    return None


def _read_strict(head: bytes, start: int, delimiter: bytes) -> tuple[list[bytes], int] | None:
    """One record by the rules, which may run over some lines; None if its quoting is broken."""
    fields = fields_at(delimiter)
    at = start
    for _ in range(LINES):
        end = LINE_END.search(head, at)
        stop, at = (end.start(), end.end()) if end else (len(head), len(head))
        state, _ = fields.count(head, start, stop)
        if state is State.CLOSED:
            return fields.split(head[start:stop]), at
        if state is State.BROKEN or end is None:
            break
    return None


def _read_bare(head: bytes, start: int, delimiter: bytes) -> tuple[list[bytes], int]:
    """One line, whatever its quotes."""
    end = LINE_END.search(head, start)
    stop, after = (end.start(), end.end()) if end else (len(head), len(head))
    return [value.strip(b' \t"') for value in head[start:stop].split(delimiter)], after


def _start(head: bytes, bom: int, start: int, found: _Candidate, looked: int) -> Start:
    text = head[start : found.end]
    newline = next(
        (end for end in (b"\r\n", b"\n") if text.endswith(end)), b"\r" if text.endswith(b"\r") else b""
    )
    name_text = text[: len(text) - len(newline)]
    plain = found.is_strict and start == bom and newline != b"\r" and BOM not in text
    plain = plain and _is_utf8(text) and _is_rfc(name_text, found.header.delimiter.encode())
    kind = "first line" if looked == 1 else "below other lines"
    line = looked + len(LINE_END.findall(text)) + (0 if newline else 1)
    return Start(found.header, start, found.end, line, looked - 1, kind, plain, newline)


def _is_rfc(text: bytes, delimiter: bytes) -> bool:
    """Whether quotes stand nowhere but around whole fields."""
    cut = re.escape(delimiter)
    field = rb'(?>"[^"]*+(?:""[^"]*+)*+"|[^"\r\n' + cut + rb"]*+)"
    return re.fullmatch(field + rb"(?:" + cut + field + rb")*+", text) is not None


def _delimiter_for(head: bytes, start: int, width: int, delimiters: Sequence[str]) -> str:
    """The delimiter by which most of the first lines have the right width."""
    lines = [
        head[at:end] for (at, end), _ in zip(_lines(head, start, whole=True), range(LINES), strict=False)
    ]

    def fitting(delimiter: str) -> int:
        fields = fields_at(delimiter.encode())
        return sum(fields.count(line, 0, len(line)) == (State.CLOSED, width) for line in lines)

    return max(delimiters, key=fitting)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

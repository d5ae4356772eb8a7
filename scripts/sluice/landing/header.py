"""Headers: which lines are one, which of the feed's columns they name, and where the first of a file stands."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import FeedFormat
from sluice.landing.fields import INVISIBLE, State, fields_at, is_invisible

DELIMITERS = (",", ";", "\t", "|")
BOM = b"\xef\xbb\xbf"
LINES = 32
"""How many lines from the beginning may be the header."""
LINE_END = re.compile(rb"\r\n|\n|\r")
UNIT = re.compile(r"\([^()]*\)\s*$")
VALUE = re.compile(rb"(?!\s*+(?:19|20)\d\d\s*+\Z)(?:\s*+[-+(]?\d|[^@]+@)")
"""What no column is called, but a record's fields may well be: a number, a date, an address. A year may be a name."""


@dataclass(frozen=True)
class Header:
    """The columns from one header line on.

    `columns[i]` is the feed's column in field i or None, `extra[i]` the label of a field that is no column of the
    feed. `named`: fields up to the last one with a name; the fields after those may be missing from a record.
    """

    delimiter: str
    columns: tuple[str | None, ...]
    extra: tuple[str | None, ...]
    named: int

    @property
    def width(self) -> int:
        """How many fields a record may have."""
        return len(self.columns)


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


@lru_cache(1 << 14)
def letters(name: str) -> str:
    """A name as it is compared: its letters and digits, in one form and one case."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(char for char in text if char.isalnum() or unicodedata.category(char).startswith("M"))


class Names:
    """The names of one feed's columns; no header has fewer letters than `shortest`."""

    def __init__(self, feed: FeedFormat) -> None:
        """Know the accepted names of each column; a name that two columns have is the first one's."""
        self._feed = feed
        self._known: dict[str, str] = {}
        own_first = [[column, column] for column in feed.columns]
        own_first += [[column, name] for column, names in feed.columns.items() for name in names]
        for column, name in own_first:
            self._known.setdefault(letters(name), column)
        words = {
            column: {_longest_word(name) for name in (column, *names)}
            for column, names in feed.columns.items()
        }
        self._words = list(words.values())
        self._key_words = [words[column] for column in feed.key]
        self._half = max(2, (len(feed.columns) + 1) // 2)
        lengths = {
            column: min(len(letters(name)) for name in (column, *names))
            for column, names in feed.columns.items()
        }
        half = sum(sorted(lengths.values())[: self._half])
        self.shortest = min([half, *([sum(lengths[column] for column in feed.key)] if feed.key else [])])

    def header(self, values: Sequence[bytes], delimiter: str) -> tuple[Header, int] | None:
        """The header that a line with these values is, and how many columns it names; None if it is none.

        A line that names the key and little else of the feed may be a record that holds such a word: it is a header only
        if no other field looks like a value.
        """
        columns: list[str | None] = []
        for value in values:
            column = self._column(value)
            columns.append(None if column in columns else column)
        known = {column for column in columns if column is not None}
        if len(known) < self._half and not (self._holds_key(known) and not _hold_values(values, columns)):
            return None
        return self._named(values, columns, delimiter), len(known)

    def without_header(self, delimiter: str) -> Header:
        """The columns of a file without a header."""
        columns = tuple(self._feed.columns)
        return Header(delimiter, columns, (None,) * len(columns), len(columns))

    def wanted(self) -> str:
        """Which names are looked for, for people."""
        columns = list(self._feed.columns)
        shown = [*self._feed.key, *(column for column in columns if column not in self._feed.key)]
        more = f" and {len(shown) - 12} more" if len(shown) > 12 else ""
        key = ", ".join(self._feed.key)
        return f"a line that names {key}, or half of these columns: {', '.join(shown[:12])}{more}"

    def may_be_in(self, text: bytes) -> bool:
        """Whether lower-case text can hold a header at all; a quick look before a slow one."""
        if self._key_words and all(_is_any_in(words, text) for words in self._key_words):
            return True
        there = 0
        for left, words in enumerate(self._words, 1 - len(self._words)):
            there += _is_any_in(words, text)
            if there >= self._half or there - left < self._half:
                break
        return there >= self._half

    def _holds_key(self, known: set[str]) -> bool:
        return bool(self._feed.key) and known.issuperset(self._feed.key)

    def _column(self, value: bytes) -> str | None:
        if not value or len(value) > 1000:
            return None
        name = value.decode("utf-8", "replace")
        return self._known.get(letters(name)) or self._known.get(letters(UNIT.sub("", name)))

    def _named(self, values: Sequence[bytes], columns: list[str | None], delimiter: str) -> Header:
        named = max(place for place, value in enumerate(values, 1) if not is_invisible(value))
        if named > self._feed.limits.max_columns:
            raise UnreadableFileError(
                f"The header has {named} columns, more than max_columns = {self._feed.limits.max_columns}."
                " Deliver fewer columns, or raise that var."
            )
        width = min(len(values), self._feed.limits.max_columns)
        extra: list[str | None] = []
        for place in range(width):
            label = None
            if columns[place] is None:
                label = _label(values[place]) or f"column_{place + 1}"
                again = 2
                while label in extra:
                    label = f"{_label(values[place]) or f'column_{place + 1}'}_{again}"
                    again += 1
            extra.append(label)
        return Header(delimiter, tuple(columns[:width]), tuple(extra), named)


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
        end = LINE_END.search(head, bom)
        newline = b"\r\n" if end and end[0] == b"\r\n" else b"\n"
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
    if not names.may_be_in(line.lower()):
        return None
    others = (other for other in DELIMITERS if other != delimiter)
    found = _best(line, 0, names, (delimiter, *others))
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


def _label(value: bytes) -> str:
    """A name as people may see it: what does not print is shown by its number."""
    name = value.decode("utf-8", "backslashreplace").strip(INVISIBLE)
    return "".join(char if char.isprintable() else _shown(char) for char in name)


def _shown(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"


def _longest_word(name: str) -> bytes:
    """What any usual spelling of a name holds, lower case: the beginning of its longest word in ASCII."""
    return max(re.findall(r"[a-z0-9]+", name.lower()) or [""], key=len)[:4].encode()


def _is_any_in(words: Iterable[bytes], text: bytes) -> bool:
    for word in words:  # noqa: SIM110 - any() takes twice as long
        if word in text:
            return True
    return False


def _hold_values(values: Sequence[bytes], columns: Sequence[str | None]) -> bool:
    return any(VALUE.match(value) for value, column in zip(values, columns, strict=True) if column is None)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

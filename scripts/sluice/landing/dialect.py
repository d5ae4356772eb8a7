"""Files that quote with another character than `"`, or escape quotes with a backslash: told, and made alike.

Such a file is copied once, byte for byte as long as it was, into a text that RFC 4180 reads: the other quote character
and `"` change places, an escaped quote becomes a mark that occurs nowhere else in the file. What is written of that
text later, a value or the raw text of a fault, is turned back.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import FeedFormat
from sluice.landing.fields import Fields, State, closing_quote, fields_at, is_empty
from sluice.landing.header import Start
from sluice.landing.names import Header
from sluice.landing.source import BLOCK, new_path, open_file, open_new

SAMPLE = 1 << 16
MARKS = bytes([*range(1, 9), *range(14, 32), 127])


@dataclass(frozen=True)
class Dialect:
    """How quotes are written: with which character, and after which one they are text.

    `mark` stands for the escaped quote in the copy. `doubles_escape`: the character before a quote escapes itself,
    too, wherever it stands.
    """

    quote: bytes = b'"'
    escape: bytes = b""
    mark: bytes = b""
    doubles_escape: bool = False

    @property
    def is_usual(self) -> bool:
        """RFC 4180."""
        return self.quote == b'"' and not self.escape

    def value(self, value: bytes) -> bytes:
        """A field's value, as it was meant."""
        if self.escape and self.escape in value:
            if self.doubles_escape:
                pairs = _pairs(self.escape, self.mark)
                value = pairs.sub(lambda pair: self.escape if pair[1] == self.escape else b'"', value)
            else:
                value = value.replace(self.escape + self.mark, b'"')
        return self._swapped(value)

    def raw(self, text: bytes) -> bytes:
        """Text as it was delivered."""
        return self._swapped(text.replace(self.mark, b'"') if self.mark else text)

    def is_plain(self, text: bytes | bytearray) -> bool:
        """Whether proper records need no change."""
        if self.escape and self.escape in text:
            return False
        return self.quote == b'"' or (self.quote not in text and b'""' not in text)

    def read(self, text: bytes) -> bytes:
        """Delivered text (which is not cut within an escape) as the reader reads it."""
        text = self._swapped(text)
        if self.escape:
            pairs = _pairs(self.escape, b'"')
            text = pairs.sub(
                lambda pair: pair[0] if pair[1] == self.escape else self.escape + self.mark, text
            )
        return text

    def _swapped(self, text: bytes) -> bytes:
        return (
            text
            if self.quote == b'"'
            else text.translate(bytes.maketrans(self.quote + b'"', b'"' + self.quote))
        )


USUAL = Dialect()


@lru_cache
def _pairs(escape: bytes, other: bytes) -> re.Pattern[bytes]:
    """An escape and what it escapes: itself or the other character."""
    return re.compile(re.escape(escape) + b"([" + re.escape(escape + other) + b"])")


def quote_of(head: bytes, start: Start, feed: FeedFormat) -> bytes:
    """The quote character: the option's, or `'` where the first lines leave no doubt, or `"`."""
    if feed.options.quote:
        return one_byte("quote", feed.options.quote)
    header_line, sample = head[start.header_start : start.data_start], head[start.data_start :][:SAMPLE]
    before = rb"(?:^|[\r\n]|" + re.escape(start.header.delimiter.encode()) + rb")\s*+"
    if b"'" not in sample or re.search(before + b'"', header_line + sample):
        return b'"'
    return b"'" if _is_quoted_by_apostrophes(header_line, sample, start.header) else b'"'


def dialect_of(path: str, quote: bytes, header: Header, feed: FeedFormat) -> Dialect:
    """The dialect of a file whose quote character is known. Raises UnreadableFileError."""
    given = one_byte("escape", feed.options.escape) if feed.options.escape else None
    if given in (b'"', quote):
        return Dialect(quote)
    escape = given or b"\\"
    asked = escape if given else escape + quote
    if not any(asked in block for block in _whole_blocks(path, escape)):
        return Dialect(quote)
    evidence = _Evidence(quote, escape, header.delimiter.encode())
    for block in _whole_blocks(path, escape):
        evidence.look(block)
    is_meant = given is not None or (evidence.escapes and not evidence.doubles)
    if not is_meant or not evidence.marks:
        return Dialect(quote)
    return Dialect(quote, escape, evidence.marks[:1], doubles_escape=not evidence.singles)


def translate(path: str, dialect: Dialect, work_dir: Path) -> str:
    """A copy of a file that the reader can read. Raises UnreadableFileError."""
    target = new_path(work_dir, ".csv")
    with open_new(target) as out:
        for block in _whole_blocks(path, dialect.escape):
            out.write(dialect.read(block))
    return str(target)


def one_byte(option: str, value: str) -> bytes:
    """An option that is one ASCII character. Raises UnreadableFileError if it is another."""
    if len(value) != 1 or not value.isascii() or value in "\r\n\0":
        raise UnreadableFileError(
            f"The option {option} of this source must be one ASCII character, not {value!r}."
        )
    return value.encode()


class _Evidence:
    """What the whole file says about a character before quotes."""

    def __init__(self, quote: bytes, escape: bytes, delimiter: bytes) -> None:
        char, mark, cut = re.escape(escape), re.escape(quote), re.escape(delimiter)
        before = rb"(?<!" + char + rb")(?:" + char + char + rb")*"
        self._escape = escape
        self._escaped = re.compile(before + char + mark + rb"(?=[^\s" + mark + cut + rb"])")
        self._doubled = re.compile(
            rb"(?<![\s"
            + char
            + mark
            + cut
            + rb"])"
            + mark
            + mark
            + rb"|(?<!["
            + char
            + mark
            + rb"])"
            + mark
            + rb"{3}"
        )
        self._single = re.compile(before + char + rb"(?![" + char + mark + rb"])")
        self.escapes = self.doubles = self.singles = False
        self.marks = MARKS

    def look(self, block: bytes) -> None:
        """Take in a block; regular expressions run only where the character is."""
        self.marks = bytes(mark for mark in self.marks if mark not in block)
        if not self.doubles and self._doubled.search(block):
            self.doubles = True
        if self._escape in block:
            self.escapes = self.escapes or self._escaped.search(block) is not None
            self.singles = self.singles or self._single.search(block) is not None


def _whole_blocks(path: str, escape: bytes) -> Iterator[bytes]:
    """A file in blocks that begin and end at a place where no escape or run of quotes is cut."""
    rest = b""
    with open_file(path) as source:
        while block := source.read(BLOCK):
            block = rest + block
            cut = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
            if not cut:
                cut = len(block.rstrip(b"\"'\r" + escape)) if len(block) > BLOCK else 0
            rest = block[cut:]
            if cut:
                yield block[:cut]
    if rest:
        yield rest


def _is_quoted_by_apostrophes(header_line: bytes, sample: bytes, header: Header) -> bool:
    """Whether `'` encloses fields in the first records, and stands nowhere else in them.

    That takes more than a field that happens to begin and end with it: all names or all values of a column are
    quoted so, or records are as wide as the header only if quotes hold their delimiters.
    """
    fields = fields_at(header.delimiter.encode())
    quoted, bare = [0] * header.width, [0] * header.width
    records = fitting = needed = 0
    for text, is_whole in _records(sample, fields):
        if not is_whole:
            return False
        parts = _parts(text, fields)
        if any(b'"' in part and not is_quoted for part, is_quoted in parts):
            return False
        is_fitting = header.named <= len(parts) <= header.width
        records += 1
        fitting += is_fitting
        needed += is_fitting and not header.named <= text.count(fields.delimiter) + 1 <= header.width
        for place, (part, is_quoted) in enumerate(parts[: header.width]):
            quoted[place] += is_quoted
            bare[place] += bool(part) and not is_quoted
    if fitting < 0.9 * records:
        return False
    names = [part for text, _ in _records(header_line, fields) for part in _parts(text, fields)]
    names_are = bool(names) and all(is_quoted for part, is_quoted in names if part)
    column_is = any(count and not other for count, other in zip(quoted, bare, strict=True))
    return bool(needed) or (any(quoted) and names_are) or (records > 1 and column_is)


def _records(text: bytes, fields: Fields) -> Iterator[tuple[bytes, bool]]:
    """The records of text whose quotes are `'`, with `"` instead, and whether their quotes are right."""
    lines = text.translate(bytes.maketrans(b"'\"", b"\"'")).splitlines(keepends=True)
    if len(text) >= SAMPLE:
        lines = lines[:-1]
    at = 0
    while at < len(lines):
        record, at = lines[at], at + 1
        state = fields.count(record, 0, len(record.rstrip(b"\r\n")))[0]
        while state is State.OPEN and at < len(lines):
            record, at = record + lines[at], at + 1
            state = fields.count(record, 0, len(record.rstrip(b"\r\n")))[0]
        record = record.rstrip(b"\r\n")
        if not is_empty(record):
            yield record, state is State.CLOSED


def _parts(text: bytes, fields: Fields) -> list[tuple[bytes, bool]]:
    """The fields of a record, and whether each is quoted."""
    parts, at = [], 0
    blanks = b" \t".replace(fields.delimiter, b"")
    while True:
        begin = at
        while begin < len(text) and text[begin] in blanks:
            begin += 1
        is_quoted = text.startswith(b'"', begin)
        close = closing_quote(text, begin + 1, len(text)) if is_quoted else begin
        stop = text.find(fields.delimiter, close)
        stop = len(text) if stop < 0 else stop
        parts.append((text[begin:stop].strip(b" \t"), is_quoted))
        if stop == len(text):
            return parts
        at = stop + 1

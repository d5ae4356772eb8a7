"""Proof, without looking at single records, that the records of a window are all regular.

A window is proven by its structural characters alone: delimiters and line feeds that are not inside quotes
must repeat the pattern of one record, and every quote must stand where RFC 4180 wants it. What cannot be
proven is not necessarily wrong; it is left to the slower reader.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sluice.landing import limits
from sluice.landing.fields import fields_at, is_empty
from sluice.landing.header import find_repeated
from sluice.landing.header_filter import MANY, HeaderFilter
from sluice.landing.names import Names
from sluice.landing.window import Bytes, Flags, Positions, Window

LF, CR, QUOTE = 10, 13, 34
ONE, LAST_PLACE = np.uint64(1), np.uint64(63)

JUNK = np.isin(np.arange(256), list(b' \t\v\f\r\n"'))
"""Bytes that are nothing by themselves (and the delimiter)."""

NONE: Positions = np.empty(0, np.intp)


@dataclass(frozen=True)
class Layout:
    """How records are laid out: delimiter (a byte), columns, CR before each LF or not."""

    delimiter: int
    width: int
    crlf: bool


@dataclass(frozen=True)
class Proven:
    """`records` regular records in the first `size` bytes; their line feeds stand at `ends`.

    `inner_lines`: some of them contain a line end inside quotes; `quoted_newlines`: a line feed.
    """

    records: int
    size: int
    ends: Positions
    inner_lines: bool
    quoted_newlines: bool


NOTHING = Proven(0, 0, NONE, inner_lines=False, quoted_newlines=False)


class Prover:
    """Proves windows of one layout; keeps the memory for its masks, which is half of the speed."""

    def __init__(self, layout: Layout, names: Names) -> None:
        """Prove records of this layout; `names` tells what would be another header."""
        self._layout = layout
        self._names = names
        self._fields = fields_at(bytes([layout.delimiter]))
        self._headers = HeaderFilter(layout.width, names.shortest + layout.width - 1)
        self._line_feeds = self._marks = np.empty(0, bool)
        self._counts: Positions = NONE

    def prove(self, window: Window) -> Proven | None:
        """Prove that all whole records at the front of the window are regular.

        Returns what was proven (NOTHING if no record ends here), or None if that is not possible.
        """
        layout, data, size = self._layout, window.data, window.size
        quotes = self._find_quotes(data, window.array[:size])
        if len(quotes) % 2:
            size = int(quotes[-1])
            quotes = quotes[:-1]
        array = window.array[:size]
        line_feeds, delimiters = self._find_marks(array)
        ends: Positions | None = _few_places(line_feeds)
        if ends is None or not len(ends):
            return NOTHING
        bits = _Bits(delimiters)
        hidden = len(quotes) > 0 and _any_between(bits, ends, quotes)
        if hidden:
            ends = self._record_ends(array, line_feeds | delimiters, quotes)
        elif not (bits.before(ends) == self._expected_counts(len(ends))).all():
            ends = None
        if ends is None or not len(ends):
            return None if ends is None else NOTHING
        used = int(ends[-1]) + 1
        quotes = quotes[: np.searchsorted(quotes, used)]
        returns = _returns(data, array[:used])
        regular = (
            _quotes_stand_right(array, quotes, layout)
            and _line_ends_agree(array, returns, quotes, ends, layout)
            and _lengths_are_right(ends, layout)
            and is_utf8(array[:used])
            and not self._holds_other(array, ends)
        )
        if not regular:
            return None
        quoted_newlines = hidden and bool(np.count_nonzero(line_feeds[:used]) != len(ends))
        inner_lines = quoted_newlines or len(returns) != (len(ends) if layout.crlf else 0)
        return Proven(len(ends), used, ends, inner_lines, quoted_newlines)

    def _holds_other(self, array: Bytes, ends: Positions) -> bool:
        """Whether some of the lines are no records: a header, nothing, or nothing but a first field."""
        layout = self._layout
        tails = ends - 1 if layout.crlf else ends
        for line in trailing_junk(array, tails, layout).tolist():
            values = self._fields.split(_line(array, ends, tails, line))
            if all(map(is_empty, values[1:])) and (len(values) > 1 or is_empty(values[0])):
                return True
        lines = self._headers.candidates(array, ends)
        if len(lines) > MANY and not self._names.may_be_in(array.tobytes().lower()):
            return False
        delimiter, most = chr(layout.delimiter), layout.width + 4
        for line in lines:
            text = _line(array, ends, tails, line)
            has_few = len(text) - len(text.translate(None, b"0123456789")) <= most
            if has_few and find_repeated(text, self._names, delimiter):
                return True
        return False

    def _find_quotes(self, data: bytearray, array: Bytes) -> Positions:
        size = len(array)
        if len(self._marks) < size:
            padded = -size % 64 + size
            self._line_feeds, self._marks = np.empty(padded, bool), np.empty(padded, bool)
        if data.find(b'"', 0, size) < 0:
            return NONE
        mask = self._marks[: -size % 64 + size]
        mask[size:] = False
        np.equal(array, QUOTE, out=mask[:size])
        return _few_places(mask)

    def _find_marks(self, array: Bytes) -> tuple[Flags, Flags]:
        """Masks of the line feeds and of the delimiters; with zeros to a multiple of 64."""
        size, padded = len(array), -len(array) % 64 + len(array)
        line_feeds, delimiters = self._line_feeds[:padded], self._marks[:padded]
        line_feeds[size:] = delimiters[size:] = False
        np.equal(array, LF, out=line_feeds[:size])
        np.equal(array, self._layout.delimiter, out=delimiters[:size])
        return line_feeds, delimiters

    def _record_ends(self, array: Bytes, marks: Flags, quotes: Positions) -> Positions | None:
        """The line feeds that end records, if all lines outside quotes have the layout's width."""
        marks[quotes] = True
        places = np.flatnonzero(marks)
        is_quote = array[places] == QUOTE
        inside = np.bitwise_xor.accumulate(is_quote)
        inside |= is_quote
        places = places[~inside]
        is_end = array[places] == LF
        ends = places[is_end]
        ranks = self._expected_counts(len(ends)) + np.arange(len(ends))
        return ends if np.array_equal(np.flatnonzero(is_end), ranks) else None

    def _expected_counts(self, records: int) -> Positions:
        """How many delimiters stand before the end of each regular record."""
        if len(self._counts) < records:
            self._counts = np.arange(1, 2 * records + 1) * (self._layout.width - 1)
        return self._counts[:records]


def _line(array: Bytes, ends: Positions, tails: Positions, line: int) -> bytes:
    return array[ends[line - 1] + 1 if line else 0 : tails[line]].tobytes()


class _Bits:
    """A mask as bits, to count how much of it stands before a place."""

    def __init__(self, mask: Flags) -> None:
        """`mask` is a multiple of 64 long."""
        self._words = np.packbits(mask, bitorder="little").view("<u8")
        self._until = np.cumsum(np.bitwise_count(self._words), dtype=np.int64)

    def before(self, places: Positions) -> NDArray[np.int64]:
        """How many flags stand before each place."""
        word = places >> 6
        from_place = self._words[word] >> (places.view(np.uint64) & LAST_PLACE)
        return self._until[word] - np.bitwise_count(from_place)


def _few_places(mask: Flags) -> Positions:
    """`np.flatnonzero` for a mask that is seldom true: it looks at eight flags at once."""
    words = mask.view("<u8")
    filled = np.flatnonzero(words != 0)
    flags = words[filled]
    below = flags - ONE
    if (flags & below).any():
        places = np.flatnonzero(mask.reshape(-1, 8)[filled])
        return (filled[places >> 3] << 3) + (places & 7)
    places = filled << 3
    places += np.bitwise_count(below) >> 3
    return places


def _any_between(bits: _Bits, line_feeds: Positions, quotes: Positions) -> bool:
    """Whether a delimiter or line feed stands inside quotes, which come in pairs."""
    opening, closing = quotes[::2], quotes[1::2]
    wide = closing - opening > 1
    if not wide.any():
        return False
    opening, closing = opening[wide], closing[wide]
    if (bits.before(opening) != bits.before(closing)).any():
        return True
    return bool((np.searchsorted(line_feeds, opening) != np.searchsorted(line_feeds, closing)).any())


def _quotes_stand_right(array: Bytes, quotes: Positions, layout: Layout) -> bool:
    """Every opening quote begins a field, every closing quote ends one; doubled quotes are both at once."""
    if not len(quotes):
        return True
    opening, closing = quotes[::2], quotes[1::2]
    if opening[0] == 0:
        opening = opening[1:]
    before, after = array[opening - 1], array[closing + 1]
    begins = (before == layout.delimiter) | (before == QUOTE) | (before == LF)
    ends = (after == layout.delimiter) | (after == QUOTE) | (after == (CR if layout.crlf else LF))
    return bool(begins.all() and ends.all())


def _returns(data: bytearray, array: Bytes) -> Positions:
    if data.find(b"\r", 0, len(array)) < 0:
        return NONE
    return np.flatnonzero(array == CR)


def _line_ends_agree(
    array: Bytes, returns: Positions, quotes: Positions, ends: Positions, layout: Layout
) -> bool:
    """All records end alike, and no other carriage return stands outside quotes."""
    expected = 0
    if layout.crlf:
        expected = len(ends)
        if ends[0] == 0 or not (array[ends - 1] == CR).all():
            return False
    if len(returns) == expected or not len(quotes):
        return len(returns) == expected
    return int(np.count_nonzero(np.searchsorted(quotes, returns) % 2 == 0)) == expected


def record_lines(array: Bytes, ends: Positions) -> tuple[Positions, int]:
    """In which line of `array`, counted from 0, each record that ends at one of `ends` begins, and how many lines all
    of them take: LF, CRLF and CR each end one, also inside quotes."""
    returns = np.flatnonzero(array == CR)
    lone = returns[array[np.minimum(returns + 1, len(array) - 1)] != LF]
    terminators = np.sort(np.concatenate([np.flatnonzero(array == LF), lone]))
    lines = np.append(0, np.searchsorted(terminators, ends, "right"))
    return lines[:-1], int(lines[-1])


def _lengths_are_right(ends: Positions, layout: Layout) -> bool:
    """No record is too long, and none is an empty line (which looks like a record if there is one column)."""
    if layout.width > 1 and ends[-1] < limits.RECORD:
        return True
    lengths = np.diff(ends, prepend=-1) - (2 if layout.crlf else 1)
    return bool(lengths.max() <= limits.RECORD and (layout.width > 1 or lengths.min() > 0))


def trailing_junk(array: Bytes, tails: Positions, layout: Layout) -> Positions:
    """Which records may hold nothing, or nothing but their first field: those that end in enough of delimiters,
    white space and quotes. `tails` are the places behind their last bytes."""
    last = array[tails - 1]
    left = np.flatnonzero((last < 48) | (last == layout.delimiter) if layout.delimiter > 47 else last < 48)
    for back in range(min(layout.width, 65) - 1, 0, -1):
        if not len(left):
            break
        found = array[tails[left] - back]
        left = left[(found == layout.delimiter) | JUNK[found]]
    return left


def is_utf8(array: Bytes) -> bool:
    """Whether the bytes are well-formed UTF-8."""
    if not len(array) or array.max() < 128:
        return True
    offsets = pa.py_buffer(np.array([0, len(array)], np.int64))
    text = pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(array)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True

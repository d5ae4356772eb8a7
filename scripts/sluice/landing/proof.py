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
from sluice.landing.fields import Fields, is_empty
from sluice.landing.header import Names, find_repeated
from sluice.landing.window import Bytes, Window

LF, CR, QUOTE = 10, 13, 34
ONE = np.uint64(1)

JUNK = np.isin(np.arange(256), list(b' \t\v\f\r\n"'))
"""Bytes that are nothing by themselves (and the delimiter)."""

Flags = NDArray[np.bool_]
Positions = NDArray[np.intp]
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
        self._fields = Fields(bytes([layout.delimiter]))
        self._line_feeds = self._marks = self._other = np.empty(0, bool)

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
        line_feeds, marks = self._find_marks(array)
        ends = _few_places(line_feeds)
        if not len(ends):
            return NOTHING
        bits = _Bits(marks)
        hidden = len(quotes) > 0 and _any_between(bits, quotes)
        if hidden:
            ends = _record_ends(array, marks, quotes, layout)
        elif not (
            bits.before(ends) == np.arange(layout.width - 1, len(ends) * layout.width, layout.width)
        ).all():
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
        starts = np.empty_like(ends)
        starts[0], starts[1:] = 0, ends[:-1] + 1
        tails = ends - 1 if layout.crlf else ends
        for line in np.flatnonzero(trailing_junk(array, starts, tails, layout)).tolist():
            values = self._fields.split(array[starts[line] : tails[line]].tobytes())
            if all(map(is_empty, values[1:])) and (len(values) > 1 or is_empty(values[0])):
                return True
        digits = ((array[: ends[-1] + 1] - np.uint8(48)) < 10).view(np.uint8)
        few = np.flatnonzero(np.add.reduceat(digits, starts, dtype=np.int32) <= layout.width + 4)
        return self._hold_header(array, starts[few], tails[few])

    def _hold_header(self, array: Bytes, starts: Positions, tails: Positions) -> bool:
        if len(starts) > 64 and not self._names.may_be_in(array.tobytes().lower()):
            return False
        delimiter = chr(self._layout.delimiter)
        return any(
            find_repeated(array[start:tail].tobytes(), self._names, delimiter)
            for start, tail in zip(starts.tolist(), tails.tolist(), strict=True)
        )

    def _find_quotes(self, data: bytearray, array: Bytes) -> Positions:
        size = len(array)
        if len(self._marks) < size:
            padded = -size % 64 + size
            self._line_feeds, self._marks, self._other = (np.empty(padded, bool) for _ in range(3))
        if data.find(b'"', 0, size) < 0:
            return NONE
        return np.flatnonzero(np.equal(array, QUOTE, out=self._other[:size]))

    def _find_marks(self, array: Bytes) -> tuple[Flags, Flags]:
        """Masks of the line feeds, and of these and the delimiters; with zeros to a multiple of 64."""
        size, padded = len(array), -len(array) % 64 + len(array)
        line_feeds, marks, other = self._line_feeds[:padded], self._marks[:padded], self._other[:size]
        line_feeds[size:] = marks[size:] = False
        np.equal(array, LF, out=line_feeds[:size])
        np.equal(array, self._layout.delimiter, out=other)
        np.logical_or(line_feeds[:size], other, out=marks[:size])
        return line_feeds, marks


class _Bits:
    """A mask as bits, to count how much of it stands before a place."""

    def __init__(self, mask: Flags) -> None:
        """`mask` is a multiple of 64 long."""
        self._words = np.packbits(mask, bitorder="little").view("<u8")
        counts = np.bitwise_count(self._words)
        self._before = np.cumsum(counts, dtype=np.int64) - counts

    def before(self, places: Positions) -> NDArray[np.int64]:
        """How many flags stand before each place."""
        word = places >> 6
        below = (ONE << (places & 63).astype(np.uint64)) - ONE
        return self._before[word] + np.bitwise_count(self._words[word] & below)


def _few_places(mask: Flags) -> Positions:
    """`np.flatnonzero` for a mask that is seldom true: it looks at eight flags at once."""
    words = mask.view("<u8")
    filled = np.flatnonzero(words != 0)
    if np.count_nonzero(mask) != len(filled):
        return np.flatnonzero(mask)
    return filled * 8 + (np.bitwise_count(words[filled] - ONE) >> 3)


def _any_between(bits: _Bits, quotes: Positions) -> bool:
    """Whether a delimiter or line feed stands inside quotes, which come in pairs."""
    opening, closing = quotes[::2], quotes[1::2]
    wide = closing - opening > 1
    return bool(wide.any() and (bits.before(opening[wide]) != bits.before(closing[wide])).any())


def _record_ends(array: Bytes, marks: Flags, quotes: Positions, layout: Layout) -> Positions | None:
    """The line feeds that end records, if all lines outside quotes have the layout's width."""
    marks[quotes] = True
    places = np.flatnonzero(marks)
    is_quote = array[places] == QUOTE
    inside = np.bitwise_xor.accumulate(is_quote)
    inside |= is_quote
    places = places[~inside]
    is_end = array[places] == LF
    ends = places[is_end]
    regular = np.array_equal(np.flatnonzero(is_end), _expected_ranks(len(ends), layout))
    return ends if regular else None


def _expected_ranks(records: int, layout: Layout) -> Positions:
    """Which of the delimiters and line feeds, counted together from 0, are line feeds in regular records."""
    return np.arange(layout.width - 1, records * layout.width, layout.width)


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


def trailing_junk(array: Bytes, starts: Positions, tails: Positions, layout: Layout) -> Flags:
    """Which records may hold nothing, or nothing but their first field: those that end in enough of delimiters,
    white space and quotes. `tails` are the places behind their last bytes."""
    junk = JUNK.copy()
    junk[layout.delimiter] = True
    left = np.flatnonzero(junk[array[tails - 1]] | (tails == starts))
    for back in range(2, min(layout.width, 65) if layout.width > 1 else 9):
        places = tails[left] - back
        left = left[junk[array[np.maximum(places, 0)]] | (places < starts[left])]
    found = np.zeros(len(tails), bool)
    found[left] = True
    return found


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

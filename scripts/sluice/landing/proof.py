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
from sluice.landing.window import Bytes, Window

LF, CR, QUOTE = 10, 13, 34
ONE = np.uint64(1)

JUNK = np.isin(np.arange(256), list(b' \t\v\f\r"'))
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

    `quoted_newlines`: some of them contain a line feed inside quotes.
    """

    records: int
    size: int
    ends: Positions
    quoted_newlines: bool


NOTHING = Proven(0, 0, NONE, quoted_newlines=False)


class Prover:
    """Proves windows of one layout; keeps the memory for its masks, which is half of the speed."""

    def __init__(self, layout: Layout) -> None:
        """Prove records of this layout."""
        self._layout = layout
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
        regular = (
            _quotes_stand_right(array, quotes, layout)
            and _line_ends_agree(data, array[:used], quotes, ends, layout)
            and _lengths_are_right(ends, layout)
            and is_utf8(array[:used])
        )
        if not regular:
            return None
        quoted_newlines = hidden and bool(np.count_nonzero(line_feeds[:used]) != len(ends))
        return Proven(len(ends), used, ends, quoted_newlines)

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


def _line_ends_agree(
    data: bytearray, array: Bytes, quotes: Positions, ends: Positions, layout: Layout
) -> bool:
    """All records end alike, and no other carriage return stands outside quotes."""
    expected = 0
    if layout.crlf:
        expected = len(ends)
        if ends[0] == 0 or not (array[ends - 1] == CR).all():
            return False
    elif data.find(b"\r", 0, len(array)) < 0:
        return True
    returns = np.flatnonzero(array == CR)
    if len(returns) == expected or not len(quotes):
        return len(returns) == expected
    return int(np.count_nonzero(np.searchsorted(quotes, returns) % 2 == 0)) == expected


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
    for back in range(2, min(layout.width if layout.width > 1 else 9, 9)):
        places = tails[left] - back
        left = left[junk[array[places]] | (places < starts[left])]
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

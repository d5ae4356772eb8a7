"""Proof, without looking at single records, that the records of a window are all regular.

A window is proven by its structural characters alone: the delimiters and line feeds that are not inside quotes
must repeat the pattern of one record, and every quote must stand where RFC 4180 wants it. What cannot be proven
is not necessarily wrong; it is left to the slower reader.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sluice.landing import limits
from sluice.landing.window import Bytes

LF, CR, QUOTE = 10, 13, 34


@dataclass(frozen=True)
class Layout:
    """How the records of a file are laid out: delimiter (a byte), columns, CR before each LF or not."""

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
    ends: NDArray[np.intp]
    quoted_newlines: bool


NOTHING = Proven(0, 0, np.empty(0, np.intp), quoted_newlines=False)


def prove(data: bytearray, array: Bytes, layout: Layout) -> Proven | None:
    """Prove that all whole records at the front of `array` (the used part of `data`) are regular.

    Returns what was proven (NOTHING if no record ends here), or None if that is not possible.
    """
    size = len(array)
    line_feeds = array == LF
    marks = array == layout.delimiter
    marks |= line_feeds
    quotes: NDArray[np.intp] | None = None
    if data.find(b'"', 0, size) < 0:
        places = np.flatnonzero(marks)
    else:
        marks |= array == QUOTE
        places, quotes = _outside_quotes(array, np.flatnonzero(marks))
    records = len(places) // layout.width
    ends = places[layout.width - 1 : records * layout.width : layout.width]
    if not line_feeds[ends].all():
        return None
    if quotes is None:
        if np.count_nonzero(line_feeds) != records:
            return None
    elif np.count_nonzero(line_feeds[places]) != records:
        return None
    if not records:
        return NOTHING
    used = int(ends[-1]) + 1
    if quotes is not None:
        quotes = quotes[: np.searchsorted(quotes, used)]
        if not _quotes_stand_right(array, quotes, layout):
            return None
    if not _line_ends_agree(data, array[:used], quotes, ends, layout):
        return None
    if layout.width == 1 and _has_empty_line(ends, layout):
        return None
    if used > limits.RECORD and np.diff(ends, prepend=-1).max() - (2 if layout.crlf else 1) > limits.RECORD:
        return None
    if not is_utf8(array[:used]):
        return None
    inner = quotes is not None and np.count_nonzero(line_feeds[:used]) != records
    return Proven(records, used, ends, bool(inner))


def _outside_quotes(
    array: Bytes, marks: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split marks into delimiters and line feeds outside quotes, and the quotes; an unclosed last quote hides the rest."""
    is_quote = array[marks] == QUOTE
    rank = np.flatnonzero(is_quote)
    if len(rank) % 2:
        marks, is_quote, rank = marks[: rank[-1]], is_quote[: rank[-1]], rank[:-1]
    if (rank[1::2] - rank[::2] == 1).all():
        inside = is_quote
    else:
        inside = np.bitwise_xor.accumulate(is_quote)
        inside |= is_quote
    return marks[~inside], marks[rank]


def _quotes_stand_right(array: Bytes, quotes: NDArray[np.intp], layout: Layout) -> bool:
    """Every opening quote begins a field, every closing quote ends one; doubled quotes are both at once."""
    opening, closing = quotes[::2], quotes[1::2]
    if len(opening) and opening[0] == 0:
        opening = opening[1:]
    before, after = array[opening - 1], array[closing + 1]
    begins = (before == layout.delimiter) | (before == QUOTE) | (before == LF)
    ends = (after == layout.delimiter) | (after == QUOTE) | (after == (CR if layout.crlf else LF))
    return bool(begins.all() and ends.all())


def _line_ends_agree(
    data: bytearray, array: Bytes, quotes: NDArray[np.intp] | None, ends: NDArray[np.intp], layout: Layout
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
    if len(returns) == expected or quotes is None:
        return len(returns) == expected
    return int(np.count_nonzero(np.searchsorted(quotes, returns) % 2 == 0)) == expected


def _has_empty_line(ends: NDArray[np.intp], layout: Layout) -> bool:
    shortest = 2 if layout.crlf else 1
    return bool(ends[0] + 1 == shortest or (np.diff(ends) == shortest).any())


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

"""Judge the lines of a window one by one, all at once: which are whole records, which need a closer look."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sluice.landing import limits
from sluice.landing.proof import CR, LF, QUOTE, Layout, is_utf8
from sluice.landing.window import Bytes

GOOD, EMPTY, SHORT, LONG, QUOTED, ODD = range(6)
"""Kinds of line. GOOD: a regular record. EMPTY: no characters. SHORT, LONG: well-formed by itself, too few or
too many columns. QUOTED: its quotes need parsing. ODD: the right width by itself, but with a stray carriage
return, wrong bytes, or too long."""

Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Lines:
    """The lines of a window: `starts`, `ends` (without line end), `kinds`; `clean_text` if all is UTF-8."""

    starts: Positions
    ends: Positions
    kinds: NDArray[np.uint8]
    clean_text: bool


def judge(array: Bytes, layout: Layout) -> Lines:
    """Judge every line of `array`, which ends with a line feed."""
    line_feeds = np.flatnonzero(array == LF)
    starts = np.empty_like(line_feeds)
    starts[0] = 0
    starts[1:] = line_feeds[:-1] + 1
    ends = line_feeds - ((array[line_feeds - 1] == CR) & (line_feeds > starts))

    delimiters = np.flatnonzero(array == layout.delimiter)
    quotes = np.flatnonzero(array == QUOTE)
    troubled = np.zeros(len(starts), bool)
    if len(quotes):
        delimiters, troubled = _unquoted(array, delimiters, quotes, starts, ends, layout)
    widths = np.diff(np.searchsorted(delimiters, line_feeds), prepend=0) + 1

    kinds = np.full(len(starts), GOOD, np.uint8)
    kinds[widths < layout.width] = SHORT
    kinds[widths > layout.width] = LONG
    clean_text = is_utf8(array)
    odd = _odd_lines(array, starts, ends, clean_text=clean_text)
    kinds[odd & (kinds == GOOD)] = ODD
    kinds[troubled] = QUOTED
    kinds[ends == starts] = EMPTY
    return Lines(starts, ends, kinds, clean_text)


def _unquoted(
    array: Bytes, delimiters: Positions, quotes: Positions, starts: Positions, ends: Positions, layout: Layout
) -> tuple[Positions, NDArray[np.bool_]]:
    """The delimiters between fields, each line taken by itself, and the lines whose quotes need parsing."""
    line = np.searchsorted(starts, quotes, "right") - 1
    first = np.searchsorted(quotes, starts)
    closes = ((np.arange(len(quotes)) - first[line]) & 1).astype(bool)
    neighbour = array[np.where(closes, quotes + 1, quotes - 1)]
    fits = (neighbour == layout.delimiter) | (neighbour == QUOTE)
    fits |= np.where(closes, quotes + 1 == ends[line], quotes == starts[line])

    troubled = (np.diff(first, append=len(quotes)) & 1).astype(bool)
    troubled[line[~fits]] = True

    before = np.searchsorted(quotes, delimiters)
    line = np.searchsorted(starts, delimiters, "right") - 1
    return delimiters[(before - first[line]) % 2 == 0], troubled


def _odd_lines(array: Bytes, starts: Positions, ends: Positions, *, clean_text: bool) -> NDArray[np.bool_]:
    """Lines with a stray carriage return, with bytes that are not UTF-8, or longer than a record may be."""
    odd = ends - starts > limits.RECORD
    returns = np.flatnonzero(array == CR)
    if len(returns):
        line = np.searchsorted(starts, returns, "right") - 1
        odd[line[returns != ends[line]]] = True
    if not clean_text:
        lines = np.unique(np.searchsorted(starts, np.flatnonzero(array > 127), "right") - 1)
        for number in lines.tolist():
            if not is_utf8(array[starts[number] : ends[number]]):
                odd[number] = True
    return odd

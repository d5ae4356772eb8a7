"""Judge the lines of a window one by one, all at once: which are whole records, which need a closer look."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sluice.landing import limits
from sluice.landing.names import Names
from sluice.landing.proof import CR, LF, QUOTE, Layout, is_utf8, trailing_junk
from sluice.landing.surplus import Surplus
from sluice.landing.window import Bytes, Flags, Positions

GOOD, EMPTY, SHORT, ODD = range(4)
"""Kinds of line. GOOD: a record, sound by itself. EMPTY: no characters. SHORT: neither a whole record nor a header by
itself. ODD: whatever needs a closer look."""
NONE: Positions = np.empty(0, np.intp)


@dataclass(frozen=True)
class Lines:
    """The lines of a window: `starts`, `ends` (without line end), `kinds`; `clean_text` if all is UTF-8.

    `groups`: lines that only a CR ended and that may be parts of one record: the first to the one after the last.
    `headers`: which lines may be one. `surplus`: places of delimiters that stand for empty surplus fields of GOOD
    lines. `lf_only`: all lines end in LF.
    """

    starts: Positions
    ends: Positions
    kinds: NDArray[np.uint8]
    clean_text: bool
    groups: Mapping[int, int]
    headers: Flags
    surplus: Positions
    lf_only: bool


def judge(array: Bytes, layout: Layout, names: Names, *, mid_line: bool, surplus: Surplus) -> Lines:
    """Judge every line of `array`, which ends with a line end.

    `mid_line`: the bytes before it do not end with a line feed, so what a CR ended there may go on here. `surplus`:
    what rows usually have behind their last column; those that have more are ODD.
    """
    line_feeds = np.flatnonzero(array == LF)
    returns = np.flatnonzero(array == CR)
    terminators, lone = _terminators(array, line_feeds, returns)
    starts = np.empty_like(terminators)
    starts[0] = 0
    starts[1:] = terminators[:-1] + 1
    ends = terminators
    if len(returns):
        ends = terminators - (
            (array[terminators] == LF) & (array[terminators - 1] == CR) & (terminators > starts)
        )

    delimiters = np.flatnonzero(array == layout.delimiter)
    is_short = np.diff(np.searchsorted(delimiters, terminators), prepend=0) < layout.width - 1
    quotes = np.flatnonzero(array == QUOTE)
    troubled = np.zeros(len(starts), bool)
    if len(quotes):
        delimiters, troubled = _unquoted(array, delimiters, quotes, starts, ends, layout)
    widths = np.diff(np.searchsorted(delimiters, terminators), prepend=0) + 1
    good = (widths == layout.width) & (ends - starts <= limits.RECORD)
    trailing = _trailing(array, layout, surplus.usual, widths, good, starts, ends)
    tails = ends - np.where(good, widths - layout.width, 0)

    clean_text = is_utf8(array)
    if not clean_text:
        for number in np.unique(np.searchsorted(starts, np.flatnonzero(array > 127), "right") - 1).tolist():
            good[number] = good[number] and is_utf8(array[starts[number] : ends[number]])
    good &= ~troubled
    places = np.flatnonzero(good)
    good[places[trailing_junk(array, tails[places], layout)]] = False
    if layout.width == 1:
        good &= ends > starts
    may_be_headers = _may_be_headers(array, starts, ends, layout, names)
    good[may_be_headers] = False

    kinds = np.where(good, GOOD, ODD).astype(np.uint8)
    kinds[is_short & ~may_be_headers] = SHORT
    kinds[ends == starts] = EMPTY
    trailing = trailing[good[np.searchsorted(terminators, trailing)]] if len(trailing) else trailing
    groups = _groups(kinds, line_feeds, starts, ends, mid_line=mid_line) if len(lone) else {}
    return Lines(starts, ends, kinds, clean_text, groups, may_be_headers, trailing, not len(returns))


def _terminators(array: Bytes, line_feeds: Positions, returns: Positions) -> tuple[Positions, Positions]:
    """The ends of lines, and those of them that are a CR alone."""
    if not len(returns):
        return line_feeds, NONE
    following = array[np.minimum(returns + 1, len(array) - 1)]
    lone = returns[(following != LF) | (returns + 1 == len(array))]
    if not len(lone):
        return line_feeds, NONE
    return np.sort(np.concatenate([line_feeds, lone])), lone


def _unquoted(
    array: Bytes, delimiters: Positions, quotes: Positions, starts: Positions, ends: Positions, layout: Layout
) -> tuple[Positions, Flags]:
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


def _trailing(
    array: Bytes,
    layout: Layout,
    usual: int,
    widths: Positions,
    good: Flags,
    starts: Positions,
    ends: Positions,
) -> Positions:
    """Up to `usual` delimiters at the end of lines that are too wide by them alone; those lines become good."""
    if not usual or not (widths > layout.width).any():
        return NONE
    found = []
    for count in range(1, min(usual, 8) + 1):
        lines = np.flatnonzero((widths == layout.width + count) & (ends - starts <= limits.RECORD))
        for back in range(1, count + 1):
            lines = lines[array[ends[lines] - back] == layout.delimiter]
        good[lines] = True
        found += [ends[lines] - back for back in range(1, count + 1)]
    return np.sort(np.concatenate(found))


def _may_be_headers(array: Bytes, starts: Positions, ends: Positions, layout: Layout, names: Names) -> Flags:
    """Which of the lines have few digits and the words of a header."""
    digits = ((array - np.uint8(48)) < 10).view(np.uint8)
    few = np.add.reduceat(digits, starts, dtype=np.int32) <= layout.width + 4
    return names_are_in(array, starts, ends, few, names)


def names_are_in(array: Bytes, starts: Positions, ends: Positions, asked: Flags, names: Names) -> Flags:
    """Which of the asked lines hold the words of a header; the window as a whole is asked first if they are many."""
    found = np.zeros(len(asked), bool)
    lines = np.flatnonzero(asked)
    if not len(lines) or (len(lines) > 64 and not names.may_be_in(array.tobytes().lower())):
        return found
    for line in lines.tolist():
        found[line] = names.may_be_in(array[starts[line] : ends[line]].tobytes().lower())
    return found


def _groups(
    kinds: NDArray[np.uint8], line_feeds: Positions, starts: Positions, ends: Positions, *, mid_line: bool
) -> dict[int, int]:
    """Lines between two line feeds of which some are no records by themselves: the first becomes ODD."""
    group = np.searchsorted(line_feeds, starts)
    firsts = np.flatnonzero(np.diff(group, prepend=-1))
    stops = np.append(firsts[1:], len(starts))
    odd_before = np.append(0, np.cumsum(kinds >= SHORT))
    is_asked = (stops - firsts > 1) & (odd_before[stops] > odd_before[firsts])
    is_asked &= (group[firsts] < len(line_feeds)) & (ends[stops - 1] - starts[firsts] <= limits.RECORD)
    if mid_line:
        is_asked[0] = False
    groups = dict(zip(firsts[is_asked].tolist(), stops[is_asked].tolist(), strict=True))
    first = list(groups)
    kinds[first] = np.where(kinds[first] == SHORT, SHORT, ODD)
    return groups

"""Which of many regular records may be headers, at hardly any cost."""

import numpy as np

from sluice.landing.window import Bytes, Flags, Positions

DIGITS = np.uint8(10)
PLACES = 48
"""How many characters of a line may tell by a digit that it is no header."""
MANY = 64
"""So many lines are not looked at one by one before the window as a whole was."""


class HeaderFilter:
    """Finds the few lines that may be headers: those with hardly a digit.

    Digits are not counted: at some places of a line, nearly all records of most files have one. Where the first records
    show no such places, they are counted after all.
    """

    def __init__(self, width: int, shortest: int) -> None:
        """Look at records of so many columns; no header is shorter than `shortest`."""
        self._width = width
        self._shortest = min(shortest, PLACES)
        self._places: list[int] | None = None

    def candidates(self, array: Bytes, ends: Positions) -> list[int]:
        """The numbers of the records (which end at `ends`) that may be headers."""
        if len(ends) < MANY:
            return self._with_few_digits(array, ends)
        if self._places is None:
            self._places = _digit_places(array, ends, self._shortest)
        if not self._places:
            return self._with_few_digits(array, ends)
        # record k + 1 begins behind ends[k]; the first record, and the last ones, which may be short, are always asked
        asked = max(len(ends) - 1, 0)
        while asked and ends[asked - 1] + 1 + max(self._places) >= len(array):
            asked -= 1
        before = np.flatnonzero(_no_digit(array[1 + self._places[0] :][ends[:asked]]))
        for place in self._places[1:]:
            is_short = ends[before + 1] - ends[before] <= place
            before = before[is_short | _no_digit(array[1 + place :][ends[before]])]
        return [0, *(before + 1).tolist(), *range(asked + 1, len(ends))]

    def _with_few_digits(self, array: Bytes, ends: Positions) -> list[int]:
        starts = np.append(0, ends[:-1] + 1)
        digits = (array - np.uint8(48) < DIGITS).view(np.uint8)
        return np.flatnonzero(np.add.reduceat(digits, starts, dtype=np.int32) <= self._width + 4).tolist()


def _no_digit(values: Bytes) -> Flags:
    return values - np.uint8(48) >= DIGITS


def _digit_places(array: Bytes, ends: Positions, shortest: int) -> list[int]:
    """Places in a line that hardly any record has without a digit, each looked at where those before it fail.

    The first of them, which is looked at in all lines, is one that no header is too short for.
    """
    starts = ends[:-1] + 1
    starts = starts[: np.searchsorted(starts, len(array) - PLACES)]
    sample = starts[:: max(len(starts) // 500, 1), np.newaxis] + np.arange(PLACES)
    fails = _no_digit(array[sample])
    found: list[int] = []
    while len(fails) and len(found) < 4:
        counts = np.count_nonzero(fails if found else fails[:, :shortest], axis=0)
        best = int(np.argmin(counts))
        if counts[best] > len(fails) * (0.9 if found else 0.25):
            break
        found.append(best)
        fails = fails[fails[:, best]]
    return found

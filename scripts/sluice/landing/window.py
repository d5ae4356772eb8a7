"""A sliding window over a file: whole records leave at the front, bytes of the file come in at the back."""

from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from sluice.landing import limits
from sluice.landing.errors import UnreadableFileError

Bytes = NDArray[np.uint8]
SPARE = 2


class Window:
    """The next bytes of a file, beginning at a record.

    `data[:size]` are those bytes, `array` the same memory as numbers. At the end of the file (`ended`) a last
    line without a line end is given one, so that every line in the window is complete.
    """

    def __init__(self, source: BinaryIO, start: int, size_hint: int, *, crlf: bool) -> None:
        """Begin at byte `start` of `source`; `size_hint` is the file's expected length in bytes."""
        source.seek(start)
        self._source = source
        self._crlf = crlf
        self._allocate(min(limits.WINDOW, max(size_hint - start, 0) + 1))
        self.size = 0
        self.ended = False
        self.fill()

    def _allocate(self, capacity: int) -> None:
        self._capacity = capacity
        self.data = bytearray(capacity + SPARE)
        self.array: Bytes = np.frombuffer(self.data, np.uint8)

    def fill(self) -> None:
        """Read until the window is full or the file ends. Raises UnreadableFileError if reading fails."""
        view = memoryview(self.data)
        while not self.ended and self.size < self._capacity:
            try:
                count = self._source.readinto(view[self.size : self._capacity])  # type: ignore[attr-defined]
            except OSError as problem:
                raise UnreadableFileError(
                    f"Reading the file failed: {problem.strerror}. Deliver it again."
                ) from problem
            self.size += count
            if not count:
                self.ended = True
                self._close_last_line()

    def _close_last_line(self) -> None:
        if self.size and self.data[self.size - 1] != 10:
            half = self.data[self.size - 1] == 13
            end = b"\n" if half or not self._crlf else b"\r\n"
            self.data[self.size : self.size + len(end)] = end
            self.size += len(end)

    def drop(self, count: int) -> None:
        """Let the first `count` bytes go and read on; a window that had to grow returns to its usual size."""
        rest = self.data[count : self.size]
        if self._capacity > limits.WINDOW >= len(rest):
            self._allocate(limits.WINDOW)
        self.data[: len(rest)] = rest
        self.size = len(rest)
        self.fill()

    def grow(self) -> None:
        """Look twice as far ahead as now. Raises UnreadableFileError where that is further than can be."""
        if self._capacity > limits.WINDOW_MAX // 2:
            raise UnreadableFileError(
                "A record is longer than 1 GiB, or a quote is never closed and no whole line follows within"
                " 1 GiB. Check the quotes and line ends of the file."
            )
        old = self.data[: self.size]
        self._allocate(2 * self._capacity)
        self.data[: len(old)] = old
        self.fill()

    @property
    def capacity(self) -> int:
        """How many bytes of the file the window can hold."""
        return self._capacity

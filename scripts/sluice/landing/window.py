"""A sliding window over a file: whole records leave at the front, bytes of the file come in at the back."""

from collections.abc import Callable
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
    line without a line end is given one, so that every line in the window is complete. `mid_line`: the byte before
    the window is no line feed, so its first bytes may belong to the same line, if CRs are text.
    """

    def __init__(
        self,
        source: BinaryIO,
        start: int,
        stop: int,
        *,
        crlf: bool,
        mid_line: bool = False,
        seen: Callable[[memoryview], object] | None = None,
    ) -> None:
        """Show the bytes from `start` to before `stop`; `seen` is told each piece of them once, in order."""
        source.seek(start)
        self._source = source
        self._left = max(stop - start, 0)
        self._crlf = crlf
        self._seen = seen
        self._allocate(min(limits.WINDOW, self._left + 1))
        self.size = 0
        self.ended = False
        self.mid_line = mid_line
        self.fill()

    def _allocate(self, capacity: int) -> None:
        self._capacity = capacity
        self.data = bytearray(capacity + SPARE)
        self.array: Bytes = np.frombuffer(self.data, np.uint8)

    def fill(self) -> None:
        """Read until the window is full or the file ends. Raises UnreadableFileError if reading fails."""
        view = memoryview(self.data)
        while not self.ended and self.size < self._capacity:
            stop = min(self._capacity, self.size + self._left)
            try:
                count = self._source.readinto(view[self.size : stop])  # type: ignore[attr-defined]
            except OSError as problem:
                raise UnreadableFileError(
                    f"Reading the file failed: {problem.strerror}. Deliver it again."
                ) from problem
            if self._seen is not None and count:
                self._seen(view[self.size : self.size + count])
            self.size += count
            self._left -= count
            if not count or not self._left:
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
        self.mid_line = self.data[count - 1] != 10
        rest = self.data[count : self.size]
        if self._capacity > limits.WINDOW >= len(rest):
            self._allocate(limits.WINDOW)
        self.data[: len(rest)] = rest
        self.size = len(rest)
        self.fill()

    def grow(self) -> None:
        """Look twice as far ahead as now, until the window `is_full`."""
        old = self.data[: self.size]
        self._allocate(min(2 * self._capacity, limits.LOOK_AHEAD * limits.RECORD))
        self.data[: len(old)] = old
        self.fill()

    @property
    def is_full(self) -> bool:
        """Whether the window cannot grow."""
        return self._capacity >= limits.LOOK_AHEAD * limits.RECORD

    def whole_lines(self) -> int:
        """How many bytes at the front are complete lines, 0 if there is no telling yet.

        A CR may end a line or be text in it: that shows when all of the line up to its LF is there, or more than one
        record may have.
        """
        cut = self.data.rfind(b"\n", 0, self.size) + 1
        if cut or not (self.mid_line or self.size > limits.RECORD + 1):
            return cut
        return self.data.rfind(b"\r", 0, self.size - 1) + 1

"""A landing file as bytes, as it was delivered."""

import io
from collections.abc import Iterator

from sluice.landing.errors import UnreadableFileError

BLOCK = 1 << 18
"""Bytes read at once: few enough to stay in the processor's second-level cache while they are looked at."""
MAX_READ = 16 << 20
"""The longest read that is ever wanted: a zip's list of members is read at once, and memory is finite."""


class DeliveredFile(io.FileIO):
    """A landing file that counts what was read of it, and whose errors are for people."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "rb")
        self.taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, or all that is left. Raises UnreadableFileError if reading fails or is too much."""
        wanted = MAX_READ + 1 if size is None or size < 0 else size
        if wanted > MAX_READ + 1:
            raise UnreadableFileError("The zip lists too many members. Deliver each CSV file by itself.")
        try:
            data = super().read(wanted) or b""
        except OSError as problem:
            raise unread(problem) from problem
        self.taken += len(data)
        return data

    def blocks(self) -> Iterator[bytes]:
        """Everything that is left."""
        while block := self.read(BLOCK):
            yield block


def unread(problem: OSError) -> UnreadableFileError:
    """The error for a file that could be opened, but not read to its end; a disk or network may come back."""
    why = problem.strerror or type(problem).__name__
    return UnreadableFileError(
        f"Reading the file failed: {why}. Check the disk or network it lies on.", retry=True
    )

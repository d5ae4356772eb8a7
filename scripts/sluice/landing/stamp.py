"""What tells one version of a file from the next without reading it."""

import os
from typing import NamedTuple, Self

LEAST, GREATEST = -(1 << 63), (1 << 63) - 1
"""What a BIGINT holds. A time in nanoseconds ends in the year 2262, file systems go on for longer."""


class Stamp(NamedTuple):
    """Size in bytes, times of the last change of content and of anything (nanoseconds since 1970, UTC), inode.

    Each number is the nearest one that 64 bits with a sign hold.
    """

    size_bytes: int = 0
    modified_ns: int = 0
    changed_ns: int = 0
    inode: int = 0

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """The stamp in what the system says about a file."""
        stamp = cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        if min(stamp) >= LEAST and max(stamp) <= GREATEST:
            return stamp
        return cls(*(min(max(number, LEAST), GREATEST) for number in stamp))

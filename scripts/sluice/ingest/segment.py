"""The open segment: frames of CSV rows, each with its length and checksum, so that a torn end is recognised.

A segment is named after the instant it was opened. Ids only grow, also over restarts and when the clock
steps back, so that the landing files made from them sort by arrival.
"""

import os
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sluice import durable

SUFFIX = ".segment"
_MAGIC = b"SLU1"
_HEAD = struct.Struct("<4sIII")
_TOLERATED_SKEW_US = 24 * 3600 * 1_000_000
_ID_FORMAT = "%Y%m%dT%H%M%S%fZ"


def frame(rows: bytes, count: int) -> bytes:
    """`count` CSV lines as they stand in a segment: magic, length, count, checksum of all that, rows."""
    return _HEAD.pack(_MAGIC, len(rows), count, _checksum(rows, count)) + rows


def _checksum(rows: bytes, count: int) -> int:
    return zlib.crc32(rows, zlib.crc32(struct.pack("<II", len(rows), count)))


@dataclass(slots=True)
class Frames:
    """What reading a segment found, filled in while its frames are read."""

    read_bytes: int = 0
    count: int = 0
    dropped_bytes: int = 0
    damaged: bool = False
    """True when what was dropped is more than a torn last frame: somebody has to look at it."""

    def read(self, stream: BinaryIO, size: int) -> Iterator[bytes]:
        """The rows of every whole frame within the first `size` bytes, in order, up to the first torn one."""
        while True:
            left = size - self.read_bytes
            head = stream.read(min(_HEAD.size, left))
            if not head:
                return
            magic, length, count, checksum = _HEAD.unpack(head) if len(head) == _HEAD.size else (b"", 0, 0, 0)
            end = _HEAD.size + length
            rows = stream.read(length) if magic == _MAGIC and end <= left else b""
            if len(rows) != length or magic != _MAGIC or _checksum(rows, count) != checksum:
                self.dropped_bytes = left
                rest = head + rows + stream.read(max(left - len(head) - len(rows), 0))
                self.damaged = any(rest) and not (magic == _MAGIC and end >= left) and left > _HEAD.size
                return
            self.read_bytes += end
            self.count += count
            yield rows


class SegmentIds:
    """Ids that only grow: the instant in UTC, or just after the last id where the clock stepped back."""

    def __init__(self, last: str | None, now_us: Callable[[], int] = lambda: time.time_ns() // 1_000) -> None:
        self._now_us = now_us
        self._last = _id_to_us(last) if last else 0

    def next(self) -> str:
        """A new id. A last id from over a day ahead is a clock that was wrong; it is not followed."""
        now = self._now_us()
        self._last = now if self._last - now > _TOLERATED_SKEW_US else max(now, self._last + 1)
        return us_to_id(self._last)

    def today(self) -> str:
        """The date that a segment opened now would have, as in `date_of`."""
        now = self._now_us()
        return date_of(us_to_id(now if self._last - now > _TOLERATED_SKEW_US else max(now, self._last)))


def us_to_id(microseconds: int) -> str:
    """The id of an instant."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest).strftime(_ID_FORMAT)


def _id_to_us(segment_id: str) -> int:
    instant = datetime.strptime(segment_id, _ID_FORMAT).replace(tzinfo=UTC)
    return int(instant.timestamp()) * 1_000_000 + instant.microsecond


def is_id(text: str) -> bool:
    """True for what `us_to_id` makes."""
    try:
        return us_to_id(_id_to_us(text)) == text
    except ValueError:
        return False


def date_of(segment_id: str) -> str:
    """The UTC date of arrival, YYYY-MM-DD."""
    return f"{segment_id[:4]}-{segment_id[4:6]}-{segment_id[6:8]}"


class Segment:
    """One open segment file. `append` returns when the frame is on disk, or raises and leaves no trace."""

    def __init__(self, folder: Path, segment_id: str) -> None:
        self.id = segment_id
        self.path = folder / (segment_id + SUFFIX)
        self.opened = time.monotonic()
        self.durable_bytes = 0
        self.usable = True
        self._folder = folder
        self._named = False
        self._fd = os.open(
            self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600
        )

    def append(self, data: bytes) -> None:
        """Write and sync; on failure the file is cut back to what was durable, or given up (`usable`)."""
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
            os.fdatasync(self._fd)
            if not self._named:
                durable.sync(self._folder)
                self._named = True
        except OSError:
            self._cut_back()
            raise
        self.durable_bytes += len(data)

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._fd, self.durable_bytes)
            os.fdatasync(self._fd)
        except OSError:
            self.usable = False

    def close(self) -> None:
        """Close the file; it stays where it is until it has landed."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

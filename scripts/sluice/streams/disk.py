"""What a landing does to the disk, each durable when it returns (see sluice.durable). The only place of the streams that
writes."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sluice import durable as common

T = TypeVar("T")
_BUSY_SECONDS = 30.0


class BusyError(Exception):
    """Another process holds the partition's lock at this moment."""


class Disk:
    """The file operations of a landing; tests put faults between."""

    def write_aside(self, path: Path, data: bytes) -> None:
        """Create the file with these bytes, on disk when this returns; a failed write leaves no file."""
        try:
            path.unlink(missing_ok=True)
            common.create(path)
            with path.open("wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def append(self, path: Path, data: bytes, durable: bool = True) -> None:
        """Add bytes at the end of a file; a failed write leaves it as it was."""
        common.append(path, data, is_synced=durable)

    def rename(self, source: Path, target: Path) -> None:
        """Give the file its name, on disk when this returns."""
        source.rename(target)
        self.sync_folder(target.parent)

    def make_folder(self, folder: Path) -> None:
        """Create the folder and those above it, on disk when this returns."""
        common.make_folder(folder)

    def sync_folder(self, folder: Path) -> None:
        """Put the folder's list of names on disk."""
        common.sync(folder)

    def free_bytes(self, folder: Path) -> int:
        """What is left on the folder's file system."""
        while not folder.exists():
            folder = folder.parent
        return shutil.disk_usage(folder).free

    @contextmanager
    def lock(self, path: Path) -> Iterator[None]:
        """Hold the lock file; raises BusyError when somebody else does. The kernel frees it with its
        process."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(str(path)) from None
            yield
        finally:
            os.close(descriptor)


def read_tail(path: Path, window: int) -> tuple[bytes, bool]:
    """The last `window` bytes of a file and whether that is all of it; nothing for a missing file."""
    try:
        with path.open("rb") as handle:
            size = handle.seek(0, os.SEEK_END)
            handle.seek(max(0, size - window))
            return handle.read(), size <= window
    except FileNotFoundError:
        return b"", True


def patiently(attempt: Callable[[], T]) -> T:
    """Try for a while: the partition's former owner may be landing its last batch."""
    give_up = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return attempt()
        except BusyError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)

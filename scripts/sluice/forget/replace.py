"""Put a file in the place of a version that was read, and of no other: one that was delivered meanwhile stays."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sluice import durable


@dataclass(frozen=True)
class Version:
    """What tells one version of a file from any other."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int
    mode: int

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """The version that is there now; None: there is no file."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        return cls(
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_mode & 0o7777,
        )

    def has_content_of(self, other: "Version | None") -> bool:
        """Whether that is the same file with the same content, under whatever name."""
        return other is not None and (self.device, self.inode, self.size_bytes, self.modified_ns) == (
            other.device,
            other.inode,
            other.size_bytes,
            other.modified_ns,
        )


def replace_version(new: Path, path: Path, version: Version) -> bool:
    """Put a synced file in the place of this version. Returns whether it was there.

    If it was not, what is there stays, whatever comes meanwhile, and the new file stays where it was written.
    """
    if Version.of(path) != version:
        return False
    try:
        durable.exchange(new, path)
    except FileNotFoundError:
        return False
    except OSError as problem:
        if problem.errno not in (None, errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
            raise
        os.rename(new, path)  # noqa: PTH104 - where files can't be exchanged, a moment is left unguarded
        durable.sync(path.parent)
        return True
    if version.has_content_of(Version.of(new)):
        new.unlink()
        durable.sync(path.parent)
        return True
    _give_back(new, path)
    return False


def _give_back(taken: Path, path: Path) -> None:
    """Bring back a version that was taken by mistake; afterwards the first of the two names has what stood in its place.

    Whatever is delivered while this goes on is newer, and stays.
    """
    expected = Version.of(path)
    while True:
        mine = Version.of(taken)
        try:
            durable.exchange(taken, path)
        except FileNotFoundError:
            taken.rename(path)  # it was removed; what was delivered before comes back, to be removed again
            return
        found = Version.of(taken)
        if found is None or found.has_content_of(expected):
            return
        expected = mine

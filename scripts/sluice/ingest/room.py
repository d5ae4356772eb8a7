"""Is there room on the disks that a write needs? Asked at most a few times a second."""

import os
import time
from pathlib import Path

_ASKED_EVERY_SECONDS = 0.2


class DiskRoom:
    """Free space of the folders that are written to."""

    def __init__(self, folders: list[Path], min_free_bytes: int) -> None:
        self._folders = folders
        self._min_free_bytes = min_free_bytes
        self._asked = float("-inf")
        self.free_bytes = 0

    def refusal(self) -> str | None:
        """Why nothing may be written now, if so."""
        now = time.monotonic()
        if now - self._asked > _ASKED_EVERY_SECONDS:
            self.free_bytes = min(_free(folder) for folder in self._folders)
            self._asked = now
        if self.free_bytes >= self._min_free_bytes:
            return None
        return f"the disk is nearly full: {self.free_bytes} bytes are free, {self._min_free_bytes} are needed"


def _free(folder: Path) -> int:
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize

"""One write side per data home: a lock that ends with its process, however that ends."""

import fcntl
import os
from pathlib import Path


class HomeInUseError(RuntimeError):
    """Another process holds the lock."""


class HomeLock:
    """`lock` in the ingest folder, held until `release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        self._fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._fd)
            raise HomeInUseError(
                f"another scripts/ingest (process {holder}) writes to {folder}; stop it first,"
                " or give this one another SLUICE_HOME"
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._fd)

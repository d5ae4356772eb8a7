"""Copies of files that others may be writing: never a torn one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import xxhash

from sluice.holder import warehouse_taken
from sluice.home import Home
from sluice.warehouse import open_warehouse

BLOCK = 1 << 20
ATTEMPTS = 3


@contextmanager
def holding_warehouse(home: Home) -> Iterator[None]:
    """Keep builds waiting. What a killed build left in the warehouse's write-ahead log is moved into it first.

    Raises HeldError when somebody else has it for too long, WarehouseError when it is damaged.
    """
    if not home.warehouse.exists():
        yield
        return
    with warehouse_taken(home.warehouse), closing(open_warehouse(home.warehouse, {})) as warehouse:
        warehouse.execute("checkpoint")
        yield


def copy_held(source: Path, target: Path) -> None:
    """Copy a file that this process holds a lock on, in another process: closing any descriptor of a file gives up a
    process's locks on it."""
    code = "import shutil, sys; shutil.copy2(sys.argv[1], sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, str(source), str(target)], check=True)


def copy_whole(source: Path, target: Path, may_grow: bool = False) -> bool:
    """Copy a file with its modification time and mode, and look whether it changed meanwhile; if so, again.

    Args:
        may_grow: it is one that only ever grows; any beginning of it will do.
    Returns: False when it is gone, or changed each time: then there is no copy.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(ATTEMPTS):
        try:
            before = source.stat()
            shutil.copy2(source, target)
            after = source.stat()
        except FileNotFoundError:
            break
        seen = [(status.st_ino, status.st_size, status.st_mtime_ns) for status in (before, after)]
        if may_grow or (seen[0] == seen[1] and target.stat().st_size == before.st_size):
            return True
    target.unlink(missing_ok=True)
    return False


def checksum(path: Path) -> str:
    """The XXH3 checksum (128 bits) of a file, as hexadecimal digits."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sync_all() -> None:
    """Put on disk what was written."""
    os.sync()

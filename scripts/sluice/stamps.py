"""Files that a build leaves behind, and how the next build tells that they are still as it left them.

A stamp is the size and the modification time of a file; of a SQLite file also those of its write-ahead log. A file whose
stamp is not the one that was noted was damaged, brought back from a backup, or left by a killed build: nothing that was
noted about it counts, and it is compared with the warehouse, or written, whole.
"""

import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sluice import durable

COMPANIONS = ("-journal", "-wal", "-shm")


def stamp(path: Path) -> str:
    """The stamp of a file; empty where there is none, or no regular file."""
    own = _stamp(path)
    log = _stamp(path.with_name(path.name + "-wal")) if own and path.suffix == ".db" else ""
    return own if log.startswith("0.") or not log else f"{own} {log}"


def stamps(tree: Path, suffix: str) -> Iterator[tuple[str, str]]:
    """The files below a folder whose names end in a suffix, as pairs of path (below the folder) and stamp, without
    those whose names, or whose folders' names, begin with a dot."""
    try:
        entries = list(os.scandir(tree))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.name.endswith(suffix):
            yield entry.name, _of(entry.stat(follow_symlinks=False))
        elif entry.is_dir(follow_symlinks=False):
            for name, found in stamps(Path(entry.path), suffix):
                yield f"{entry.name}/{name}", found


def with_companions(path: Path) -> list[Path]:
    """A SQLite file and the files that SQLite keeps beside it."""
    return [path, *(path.with_name(path.name + suffix) for suffix in COMPANIONS)]


def is_sound(path: Path) -> bool:
    """Whether a path is a SQLite file without damage to its structure. Reads all of it."""
    if not _stamp(path):
        return False
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=60)) as db:
            return db.execute("pragma integrity_check(1)").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        return False


def clear(path: Path) -> None:
    """Remove whatever stands in the place of a file, with its companions: a new SQLite file must not meet an old
    write-ahead log. A folder with something in it is not ours: it is renamed, to a name that begins with a dot."""
    for gone in with_companions(path):
        if gone.is_dir() and not gone.is_symlink():
            try:
                gone.rmdir()
            except OSError:
                aside = gone.with_name(f".{gone.name}.aside")
                shutil.rmtree(aside, ignore_errors=True)
                gone.rename(aside)
                say(f"{gone} was a folder, where a file belongs; it is {aside.name} now.")
        else:
            gone.unlink(missing_ok=True)


def make_folder(path: Path, *, is_public: bool = False) -> None:
    """Make a folder where there is none (see durable.make_folder); a file in its place is removed."""
    if path.is_file() and not path.is_symlink():
        path.unlink()
    durable.make_folder(path, is_public=is_public)


def say(text: str) -> None:
    """Tell people, in one sentence, what was found and what is done about it."""
    print(f"sluice: {text}", file=sys.stderr, flush=True)


def _stamp(path: Path) -> str:
    try:
        return _of(path.lstat())
    except OSError:
        return ""


def _of(status: os.stat_result) -> str:
    return f"{status.st_size}.{status.st_mtime_ns}" if stat.S_ISREG(status.st_mode) else ""

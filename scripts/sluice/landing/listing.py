"""Which files stand in the landing zone. No judgement of feeds, dates or suffixes: that is SQL's."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNFINISHED_PREFIXES = (".", "_")
UNFINISHED_SUFFIXES = (".tmp", ".part")


@dataclass(frozen=True, slots=True)
class LandingFile:
    """One name found below the landing folder: a file, or something that should have been one.

    `path` is absolute, `file` relative to the landing folder with `/` separators, `size_bytes` in bytes,
    `modified_ns` in nanoseconds since 1970 (UTC); both are 0 where `error` says why nothing is known.
    A name that is not UTF-8 is shown with each bad byte as `\\xNN`, in `path` too.
    """

    path: str
    file: str
    size_bytes: int
    modified_ns: int
    error: str | None = None
    changed_ns: int = 0
    inode: int = 0


def list_landing_files(landing: Path) -> list[LandingFile]:
    """All files below `landing`, sorted by `file` in byte order; an absent folder is an empty landing zone.

    Left out are names that begin with `.` or `_`, everything below such folders, and names that end in
    `.tmp` or `.part`: they are not files yet. Links are followed, a link to a folder above itself is not.
    Never raises: what cannot be read becomes an entry with an error.
    """
    return sorted(walk_landing(landing), key=lambda entry: entry.file.encode("utf-8", "surrogateescape"))


def walk_landing(landing: Path) -> Iterator[LandingFile]:
    """The files of list_landing_files in no order, looked at one by one."""
    root = os.path.abspath(landing)  # noqa: PTH100 - resolve() would follow links
    if os.path.lexists(root):
        yield from _walk(root, "", frozenset())


def _walk(folder: str, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[LandingFile]:
    """The files below `folder`, whose names relative to the landing zone begin with `prefix`."""
    try:
        with os.scandir(folder) as entries:
            items = [entry for entry in entries if _is_visible(entry.name)]
    except OSError as problem:
        yield _broken(folder, prefix.rstrip("/") or ".", f"The folder cannot be read: {_why(problem)}.")
        return
    for entry in items:
        name = prefix + entry.name
        try:
            if entry.is_dir():
                status = entry.stat()
                here = (status.st_dev, status.st_ino)
                if here in above:
                    message = "The link leads back to a folder above it. Remove the link."
                    yield _broken(entry.path, name, message)
                else:
                    yield from _walk(entry.path, name + "/", above | {here})
            elif not entry.name.endswith(UNFINISHED_SUFFIXES):
                yield _file(entry, name)
        except OSError as problem:
            yield _broken(entry.path, name, f"The file cannot be reached: {_why(problem)}.")


def _is_visible(name: str) -> bool:
    return not name.startswith(UNFINISHED_PREFIXES)


def _file(entry: os.DirEntry[str], name: str) -> LandingFile:
    """The entry of one name that is not a folder. Raises OSError for a link that leads nowhere."""
    status = entry.stat()
    if not stat.S_ISREG(status.st_mode):
        return _broken(entry.path, name, "This is not a regular file (a pipe, socket or device). Remove it.")
    if name.isascii() or _is_utf8(name):
        return LandingFile(entry.path, name, status.st_size, status.st_mtime_ns, None, status.st_ctime_ns, status.st_ino)
    return _broken(entry.path, name, "The name of the file is not UTF-8. Rename it.")


def _broken(path: str, name: str, error: str) -> LandingFile:
    return LandingFile(_shown(path), _shown(name), 0, 0, error)


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _why(problem: OSError) -> str:
    return problem.strerror or type(problem).__name__

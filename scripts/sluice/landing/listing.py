"""Which files stand in the landing zone. No judgement of feeds, dates or suffixes: that is SQL's."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sluice.landing.stamp import Stamp

UNFINISHED_PREFIXES = (".", "_")
UNFINISHED_SUFFIXES = (
    ".tmp",
    ".part",
    ".filepart",
    ".crdownload",
    ".partial",
    ".uploading",
    ".swp",
    "~",
)


@dataclass(frozen=True, slots=True)
class LandingFile:
    """One name found below the landing folder: a file, or something that should have been one.

    `path` is absolute, `file` relative to the landing folder with `/` separators; the numbers are those of a Stamp,
    all 0 where `error` says why nothing is known.
    A name that is not UTF-8 is shown with each bad byte as `\\xNN`, in `path` too.
    """

    path: str
    file: str
    size_bytes: int
    modified_ns: int
    changed_ns: int
    inode: int
    error: str | None = None

    @property
    def stamp(self) -> Stamp:
        """What tells this version of the file from others."""
        return Stamp(self.size_bytes, self.modified_ns, self.changed_ns, self.inode)


def list_landing_files(landing: Path) -> list[LandingFile]:
    """All files below `landing`, sorted by `file` in byte order; an absent folder is an empty landing zone.

    Left out are names that begin with `.` or `_`, everything below such folders, and names that end like those of
    uploads that go on (UNFINISHED_SUFFIXES, in any case): they are not files yet. Links are followed within the
    landing zone, which may itself be a link; one that leads out of it or to a folder above itself is not followed.
    Never raises: what cannot be read becomes an entry with an error.
    """
    return sorted(walk_landing(landing), key=lambda entry: entry.file.encode("utf-8", "surrogateescape"))


def walk_landing(landing: Path) -> Iterator[LandingFile]:
    """The files of list_landing_files in no order, looked at one by one."""
    root = os.path.abspath(landing)  # noqa: PTH100 - resolve() would follow links
    if os.path.lexists(root):
        within = os.path.join(os.path.realpath(root), "")  # noqa: PTH118
        yield from _walk(root, "", within, frozenset())


def _walk(folder: str, prefix: str, within: str, above: frozenset[tuple[int, int]]) -> Iterator[LandingFile]:
    """The files below `folder`, whose names relative to the landing zone begin with `prefix`.

    `within`: the landing zone without links, ending in a slash; `above`: the folders that lead here.
    """
    try:
        with os.scandir(folder) as entries:
            items = [entry for entry in entries if not entry.name.startswith(UNFINISHED_PREFIXES)]
    except OSError as problem:
        yield _broken(folder, prefix.rstrip("/") or ".", f"The folder cannot be read: {_why(problem)}.")
        return
    for entry in items:
        name = prefix + entry.name
        try:
            if entry.is_symlink() and _leads_out(entry, within):
                if not _is_unfinished(name):
                    yield _broken(
                        entry.path, name, "The link leads out of the landing zone. Put the file itself here."
                    )
            elif entry.is_dir():
                status = entry.stat()
                here = (status.st_dev, status.st_ino)
                if here in above:
                    message = "The link leads back to a folder above it. Remove the link."
                    yield _broken(entry.path, name, message)
                else:
                    yield from _walk(entry.path, name + "/", within, above | {here})
            elif not _is_unfinished(name):
                yield _file(entry, name)
        except OSError as problem:
            yield _broken(entry.path, name, f"The file cannot be reached: {_why(problem)}.")


def _is_unfinished(name: str) -> bool:
    return name.lower().endswith(UNFINISHED_SUFFIXES)


def _leads_out(link: os.DirEntry[str], within: str) -> bool:
    """Whether the end of a chain of links lies outside the landing zone, whether or not anything is there."""
    target = os.path.join(os.path.realpath(link.path), "")  # noqa: PTH118
    return not target.startswith(within)


def _file(entry: os.DirEntry[str], name: str) -> LandingFile:
    """The entry of one name that is not a folder. Raises OSError for a link that leads nowhere."""
    status = entry.stat()
    if not stat.S_ISREG(status.st_mode):
        return _broken(entry.path, name, "This is not a regular file (a pipe, socket or device). Remove it.")
    if name.isascii() or _is_utf8(name):
        return LandingFile(entry.path, name, *Stamp.of(status))
    return _broken(entry.path, name, "The name of the file is not UTF-8. Rename it.")


def _broken(path: str, name: str, error: str) -> LandingFile:
    return LandingFile(_shown(path), _shown(name), 0, 0, 0, 0, error)


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

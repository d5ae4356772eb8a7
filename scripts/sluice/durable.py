"""Files that survive a crash, with the access they are to have from their first byte on.

A file is written aside, synced and renamed, and then its folder is synced: under its name stands the old content or the
new, never a part of it, and what was said to be done is done after a power loss. What is written aside begins with a dot
and ends in .sluice.tmp, so nothing that lists files takes it for one. Its writer holds a lock on it (flock): what a killed process
left is told from what is being written, and goes with the next write of the same file.

Files are the user's own (0600, folders 0700), but for what is published to everybody: that gets what the umask leaves.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from uuid import uuid4

ENDING = ".sluice.tmp"
AT_ONCE = 8
"""Files synced at a time: the disk puts what it is given together on itself."""
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of renameat2(2)
_given_umask: int | None = None


def keep_private() -> None:
    """From now on, what this process makes (and DuckDB in it, with its spill files and logs) is its user's own.

    What is published gets the umask that the process was started with. See child_umask for what it starts.
    """
    global _given_umask
    given = os.umask(0o077)
    if _given_umask is None:
        _given_umask = given


def child_umask() -> int:
    """The umask that this process was started with: what a process that it starts is to have."""
    if _given_umask is not None:
        return _given_umask
    given = os.umask(0o077)
    os.umask(given)
    return given


def file_mode(is_public: bool) -> int:
    """The permission bits of a file: 0600; of a public one 0666 without the umask."""
    return 0o666 & ~child_umask() if is_public else 0o600


def folder_mode(is_public: bool) -> int:
    """The permission bits of a folder: 0700; of a public one 0777 without the umask."""
    return 0o777 & ~child_umask() if is_public else 0o700


class Aside:
    """A file that is being written beside its final place. It gets there with `finish`; `give_up` leaves nothing.

    As a context manager it finishes at the end of the block, and gives up when the block raises.
    """

    def __init__(self, target: Path, *, is_public: bool = False) -> None:
        """Make an empty file beside the target, and the folder if need be. Raises OSError."""
        make_folder(target.parent, is_public=is_public)
        self.target = target
        self.path, descriptor = _new_file(target)
        try:
            if is_public:
                os.fchmod(descriptor, file_mode(is_public=True))
            self.file: BinaryIO = os.fdopen(descriptor, "wb", buffering=1 << 20)
        except BaseException:
            self.path.unlink(missing_ok=True)
            os.close(descriptor)
            raise

    def finish(self, *, replace: bool = True) -> bool:
        """Sync the file, give it its name, sync the folder.

        Args:
            replace: False: not when a file has that name. Then this one goes.
        Returns: whether it has got its name.
        """
        try:
            self.sync()
            done = True
            if replace:
                os.rename(self.path, self.target)  # noqa: PTH104
            else:
                try:
                    os.link(self.path, self.target)  # noqa: PTH200
                except FileExistsError:
                    done = False
                self.path.unlink()
            sync(self.target.parent)
        except BaseException:
            self.give_up()
            raise
        self.file.close()
        return done

    def sync(self) -> None:
        """Put what was written so far on disk."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def give_up(self) -> None:
        """Leave nothing behind."""
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # the rest of a buffer may not fit a full disk
            self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.path.exists():
            self.give_up() if kind else self.finish()


def write(path: Path, content: bytes | str, *, is_public: bool = False) -> None:
    """Make a file hold this and nothing else. Raises OSError; the file is then as it was."""
    with Aside(path, is_public=is_public) as aside:
        aside.file.write(content.encode() if isinstance(content, str) else content)


def append(path: Path, content: bytes, *, is_synced: bool = True) -> None:
    """Add bytes at the end of a private file. Raises OSError; the file is then as it was.

    Args:
        is_synced: on disk when this returns.
    """
    make_folder(path.parent)
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            if is_synced:
                os.fsync(descriptor)
        except BaseException:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    if is_new:
        sync(path.parent)


def put(written: Path, target: Path, *, is_public: bool | None = None) -> None:
    """Give a file that is written already its place on the same file system: sync, rename, sync the folder.

    Args:
        is_public: give them the access of a public or of a private file, while it still stands aside; None: it has its.
    """
    put_all([(written, target)], is_public=is_public)


def put_all(files: Iterable[tuple[Path, Path]], *, is_public: bool | None = None) -> None:
    """The same for several files: all are synced before the first is renamed, and their folders in the end."""
    pairs = list(files)
    if is_public is not None:
        for written, _ in pairs:
            written.chmod(file_mode(is_public))
    sync_all(written for written, _ in pairs)
    for written, target in pairs:
        os.rename(written, target)  # noqa: PTH104
    sync_all({target.parent for _, target in pairs})


def create(path: Path) -> None:
    """Make an empty private file for others to write (SQLite, DuckDB), which keep its access. Raises FileExistsError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def make_folder(folder: Path, *, is_public: bool = False) -> None:
    """Make a folder and those above it that lack, on disk when this returns: 0700, or what the umask leaves."""
    if folder.is_dir():
        return
    make_folder(folder.parent, is_public=is_public)
    try:
        folder.mkdir(mode=0o700)
        if is_public:
            folder.chmod(folder_mode(is_public=True))
    except FileExistsError:
        return
    sync(folder.parent)


def sync(path: Path) -> None:
    """Put a file, or a folder's list of names, on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(paths: Iterable[Path]) -> None:
    """Put several files or folders on disk, in any order."""
    listed = list(paths)
    if len(listed) < 3:
        for path in listed:
            sync(path)
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(sync, listed):
            pass  # one that failed raises here


def leftovers(folder: Path) -> Iterator[Path]:
    """What was written aside anywhere below a folder, whether its writer is alive or not."""
    yield from folder.rglob(f".*{ENDING}")


def remove_leftover(leftover: Path) -> bool:
    """Remove a file that was written aside, unless its writer is alive. Returns whether it is gone."""
    try:
        descriptor = os.open(leftover, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        if not _lock(descriptor):
            return False
        leftover.unlink(missing_ok=True)
        return True
    finally:
        os.close(descriptor)


def exchange(one: Path, other: Path) -> None:
    """Let two files or folders change places in one step.

    Raises: OSError where the file system or the operating system (others than Linux) can't.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        raise OSError("this operating system can't exchange files")
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one), None, str(other))


def _new_file(target: Path) -> tuple[Path, int]:
    """An empty, locked file to write aside: its path and descriptor."""
    name = target.name.encode()[:200].decode("utf-8", "ignore")
    path = target.with_name(f".{name}{ENDING}")
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            if not remove_leftover(
                path
            ):  # another process writes the same file now: the last one to finish wins
                path = target.with_name(f".{name}.{uuid4().hex}{ENDING}")
            continue
        if _lock(descriptor) and path.exists():
            return path, descriptor
        os.close(descriptor)  # somebody took it for a leftover before it was locked


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

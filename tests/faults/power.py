"""A power loss: what was not synced is gone.

While a command runs, each file is copied when it is synced, and each folder's list of names is kept when that is. After
the process has ended, the tree is made of those copies and lists alone: a file that was written and never synced is
empty, one that was changed since has its old content, a name in a folder that was not synced since is not there.

Database files are left as they are, or removed, because DuckDB and SQLite sync them in ways that Python does not see; but of a
published file the write-ahead log is gone, which SQLite does not sync before it moves it into the file.
"""

import json
import os
import shutil
import stat
from pathlib import Path

DATABASES = (".duckdb", ".wal", ".db", "-journal")
_rename = os.rename  # a step's points are not in what this module does


class Recorder:
    """Records what of a tree is on disk, in a folder outside of it. Call `install` in the process that writes."""

    def __init__(self, tree: Path, kept: Path) -> None:
        self.tree, self.kept = tree, kept
        self._made = tree.with_name(f"{tree.name}.made")
        self._open: list[int] = []

    def install(self) -> None:
        """Take what is there for synced, and watch what is synced from now on."""
        self.kept.mkdir(parents=True)
        for path in [self.tree, *self.tree.rglob("*")]:
            self._open.append(
                os.open(path, os.O_PATH | os.O_NOFOLLOW)
            )  # so that no inode number is given out again
            if path.is_dir() or path.is_file():
                self._keep(path)
        for name in ("fsync", "fdatasync"):
            self._watch(name)

    def _watch(self, name: str) -> None:
        real = getattr(os, name)

        def synced(descriptor: int) -> None:
            real(descriptor)
            self._keep(Path(f"/proc/self/fd/{descriptor}"))

        setattr(os, name, synced)

    def _keep(self, path: Path) -> None:
        status = path.stat()
        kept = self.kept / str(status.st_ino)
        aside = self.kept / f"{status.st_ino}.new"
        if stat.S_ISDIR(status.st_mode):
            entries = {entry.name: entry.lstat() for entry in path.iterdir()}
            names = {name: (entry.st_ino, stat.S_ISDIR(entry.st_mode)) for name, entry in entries.items()}
            aside.write_text(json.dumps(names))
        else:
            shutil.copyfile(path, aside)
            os.utime(aside, ns=(status.st_atime_ns, status.st_mtime_ns))
        aside.chmod(stat.S_IMODE(status.st_mode) | stat.S_IFREG)
        _rename(aside, kept)

    def lose_power(self) -> list[str]:
        """Make the tree what was on disk. Returns the files that lost something, by their paths in the tree."""
        there = {path.lstat().st_ino: path for path in self.tree.rglob("*")}
        made = self._made
        shutil.rmtree(made, ignore_errors=True)
        self._make(made, self.tree.stat().st_ino, there)
        lost = [
            str(path.relative_to(self.tree))
            for path in there.values()
            if path.is_file() and not _is_same(path, made / path.relative_to(self.tree))
        ]
        shutil.rmtree(self.tree)
        made.rename(self.tree)
        return sorted(lost)

    def _make(self, folder: Path, inode: int, there: dict[int, Path]) -> None:
        folder.mkdir()
        kept = self.kept / str(inode)
        names = json.loads(kept.read_text()) if kept.exists() else {}
        now = self.tree if folder == self._made else there.get(inode)
        for path in now.iterdir() if now and now.is_dir() else ():
            if path.name.endswith(DATABASES) and path.is_file():
                names.setdefault(path.name, (path.stat().st_ino, False))
        for name, (child, is_folder) in names.items():
            found, copy = there.get(child), self.kept / str(child)
            if is_folder:
                self._make(folder / name, child, there)
            elif found and found.is_file() and name.endswith(DATABASES):
                shutil.copy2(found, folder / name)
            elif name.endswith((*DATABASES, "-wal", "-shm")):
                continue
            elif copy.exists():
                shutil.copy2(copy, folder / name)
            elif found:
                (folder / name).touch()
        if now and now.is_dir():
            shutil.copystat(now, folder)


def _is_same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()

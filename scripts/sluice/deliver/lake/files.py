"""Files that other tools read: written aside by SQL, then renamed into place; nobody ever sees half of one.

A partition of a lake table is a folder `<column>=<value>`. Each source of the table, `data` or a feed, has a file there,
`<name>.parquet`; where rows only came since that was written, a few more, `<name>-<batch>.parquet`; and for quarantined
records that may be released, `<name>-waiting.parquet`. A partition changes in one step: one file is renamed, or a folder
with all files that it is to have takes its place. What
a tree of files reflects stands in its `.sluice.json`, written last: a build that was killed in between is completed by
the next, which replaces all that changed since.
"""

import os
import shutil
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from sluice import durable
from sluice.stamps import make_folder

STAGING = ".staging"
# As many files of added rows a partition has before it is written anew: readers open each of them.
MAX_ADDED = 8


def clear_staging(tree: Path) -> Path:
    """An empty folder beside the tables, on their file system, for what is being written."""
    staging = tree / STAGING
    make_folder(tree, is_public=True)
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    return staging


def change_partitions(
    table: Path,
    name: str,
    written: Mapping[str, Path],
    rewritten: Collection[str] | None,
    grown: Collection[str] = (),
    *,
    is_public: bool = True,
) -> int:
    """Move freshly written files into the partitions of a table, each partition in one step.

    Args:
        table: folder of the table.
        name: name of its source, with which the names of its files begin.
        written: rest of a file's name (``''``, ``'-17'``) -> folder of partition folders, each with one Parquet
            file; it is consumed. An absent folder, or a partition without a file, has no rows.
        rewritten: names of the partition folders that get what was written and nothing else. None: all.
        grown: those that get what was written, and keep their other files.
        is_public: everybody may read the files.
    Returns: how many partitions changed.
    Raises: ValueError if a partition was written in several files.
    """
    files = {f"{name}{rest}.parquet": written_files(folder) for rest, folder in written.items()}
    staged = [file for partitions in files.values() for file in partitions.values()]
    for file in staged:
        file.chmod(durable.file_mode(is_public))
    durable.sync_all(staged)
    if staged:
        make_folder(table, is_public=is_public)
    everything = _partitions(table).union(*files.values())
    touched: list[Path] = []
    for partition in sorted(everything if rewritten is None else {*rewritten, *grown}):
        folder = table / partition
        fresh = {file: partitions[partition] for file, partitions in files.items() if partition in partitions}
        gone = set(files) - {f"{name}.parquet"} if partition in grown else _files_of(folder, name)
        aside = next(iter(written.values())).with_name("partition.new")
        leave = {file for file in gone - set(fresh) if (folder / file).exists()}
        if _change(folder, fresh, leave, aside, is_public):
            touched.append(folder)
    durable.sync_all(folder for folder in (table, *touched) if touched and folder.exists())
    for folder in written.values():
        shutil.rmtree(folder, ignore_errors=True)
    return len(touched)


def growing_partitions(table: Path, name: str, staging: Path) -> list[str]:
    """The partitions of a table that may get a file of added rows, sorted: they have files, not yet many, and it will be
    possible to put one in the place of all of them, which is tried out in the staging folder."""
    if not table.is_dir() or not _can_swap(staging):
        return []
    return sorted(
        partition
        for partition in _partitions(table)
        if 0 < len(_files_of(table / partition, name)) <= MAX_ADDED
    )


def written_files(folder: Path) -> dict[str, Path]:
    """Partition -> the file that was written for it. Raises ValueError if there are several."""
    found = {}
    for partition in folder.iterdir() if folder.exists() else ():
        files = sorted(partition.glob("*.parquet"))
        if len(files) != 1:
            raise ValueError(f"{partition} was written in {len(files)} files; it must be one")
        found[partition.name] = files[0]
    return found


def _partitions(table: Path) -> set[str]:
    return {entry.name for entry in os.scandir(table) if "=" in entry.name} if table.is_dir() else set()


def _files_of(partition: Path, name: str) -> set[str]:
    """The names of the files that a source has in a partition."""
    return {
        file.name for pattern in (f"{name}.parquet", f"{name}-*.parquet") for file in partition.glob(pattern)
    }


def _change(
    partition: Path, fresh: Mapping[str, Path], gone: Collection[str], aside: Path, is_public: bool
) -> bool:
    """Give a partition files, by their new names, and take others away. Returns whether there was something to do."""
    if fresh and not partition.is_dir():
        partition.unlink(missing_ok=True)
        _fill(aside, fresh, is_public).rename(partition)
    elif len(fresh) + len(gone) > 1:
        _exchange(partition, fresh, gone, aside, is_public)
    else:
        for name, file in fresh.items():
            _put(file, partition / name)
        for name in gone:
            _remove(partition / name)
    if partition.is_dir() and not any(partition.iterdir()):
        partition.rmdir()
    return bool(fresh or gone)


def _put(file: Path, target: Path) -> None:
    """Move a file into place, whatever stands there."""
    if target.is_dir():
        _remove(target)
    file.replace(target)


def _remove(path: Path) -> None:
    """Remove a file, or a folder in the place of one: the lake holds nothing but copies."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _fill(folder: Path, files: Mapping[str, Path], is_public: bool) -> Path:
    """Make a folder anew, and move files into it by their new names."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    folder.chmod(durable.folder_mode(is_public))
    for name, file in files.items():
        file.replace(folder / name)
    durable.sync(folder)
    return folder


def _exchange(
    partition: Path, fresh: Mapping[str, Path], gone: Collection[str], aside: Path, is_public: bool
) -> None:
    """Change several files of a partition in one step: a folder is made aside with all that it is to have. Where folders
    can't be exchanged, it changes file by file."""
    _fill(aside, fresh, is_public)
    for file in partition.iterdir():
        if file.name not in gone and file.name not in fresh and file.is_file():
            (aside / file.name).hardlink_to(file)
    durable.sync(aside)
    try:
        durable.exchange(aside, partition)
    except OSError:
        for name in fresh:
            _put(aside / name, partition / name)
        for name in gone:
            _remove(partition / name)
    shutil.rmtree(aside)


@cache
def _can_swap(staging: Path) -> bool:
    """Whether folders can be exchanged here, found by trying."""
    trial = staging / "trial"
    try:
        for name in ("one", "other"):
            (trial / name).mkdir(parents=True, exist_ok=True)
        durable.exchange(trial / "one", trial / "other")
    except OSError:
        return False
    finally:
        shutil.rmtree(trial, ignore_errors=True)
    return True

"""The command line of scripts/restore."""

import argparse
import datetime as dt
import shutil
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from sluice import durable
from sluice.archive.store import ArchiveError, list_archive
from sluice.backup.copy import checksum, sync_all
from sluice.backup.parts import BackupError, Part, all_parts, read_manifest
from sluice.holder import HeldError, warehouse_taken
from sluice.home import Home, data_home
from sluice.landing.listing import list_landing_files

EPILOG = """\
Every file of the backup is compared with its checksum first; nothing is changed unless all are whole. Then they are copied
beside their places, and renamed. What the backup does not hold is left alone.

Where the data home holds a part already, nothing is done, unless --replace is given: what was there is moved to
$SLUICE_HOME/replaced_<time>, which is yours to delete. End scripts/serve, ingest, stream and watch first.

--part brings back some parts only: warehouse.duckdb, published, lake, reports, landing, archive, streams, ingest, pii.key.
Parts of different ages go together: run dbt build afterwards, which brings everything up to date with the landing zone
and the archive that are there.

Reads SLUICE_HOME, SLUICE_LANDING, SLUICE_PUBLISHED, SLUICE_WAIT_SECONDS.
exit codes: 0 done, 1 something failed or is in the way (messages say what), 2 wrong usage
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring a backup back. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/restore",
        description="Bring the backup in the folder DIR back into the data home.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that scripts/backup made")
    parser.add_argument("--replace", action="store_true", help="move away what is in the way")
    parser.add_argument("--part", action="append", metavar="NAME", help="this part only (may be repeated)")
    options = parser.parse_args(arguments)
    durable.keep_private()
    home, folder = data_home(), options.folder.absolute()
    try:
        made_at, held = check_backup(folder)
        unknown = sorted(set(options.part or ()) - held)
        if unknown:
            parser.error(f"the backup holds no {', '.join(unknown)}; it holds {', '.join(sorted(held))}")
        parts = [part for part in _parts_of(home, held) if not options.part or part.name in options.part]
        restore_backup(home, folder, parts, options.replace)
        print(f"{', '.join(part.name for part in parts)} of {made_at} brought back to {home.root}.")
        for line in what_next(home):
            print(line)
    except (BackupError, HeldError, OSError) as problem:
        print(f"scripts/restore: {problem}", file=sys.stderr)
        return 1
    return 0


def check_backup(folder: Path) -> tuple[str, set[str]]:
    """Compare every file of a backup with its checksum. Returns when it was made, and the names of its parts.

    Raises BackupError, which names the first file that is not as it was.
    """
    made_at, files = read_manifest(folder)
    for name, (size, expected) in sorted(files.items()):
        path = folder / name
        if not path.is_file() or path.stat().st_size != size or checksum(path) != expected:
            raise BackupError(
                f"{path} is missing or damaged, so nothing was brought back. Take another backup, or bring back other"
                " parts with --part after you removed this part from its folder and its backup.json."
            )
    return made_at, {Path(name).parts[0] for name in files}


def restore_backup(home: Home, folder: Path, parts: Collection[Part], replace: bool) -> None:
    """Put parts of a checked backup in place.

    Raises BackupError when one is there already and is not to be replaced, HeldError when a build runs.
    """
    there = [part for part in parts if _holds_something(part.path)]
    if there and not replace:
        raise BackupError(
            f"{home.root} holds {', '.join(part.name for part in there)} already; nothing was changed."
            " Give --replace to move that away, or set SLUICE_HOME to an empty folder."
        )
    moved_away = home.root / f"replaced_{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%f}"
    with warehouse_taken(home.warehouse):
        waiting = []
        for part in parts:
            aside = part.path.with_name(f".{part.path.name}.restoring")
            _remove(aside)
            durable.make_folder(aside.parent, is_public=True)
            source = folder / part.name
            if source.is_dir():
                shutil.copytree(source, aside)
            else:
                shutil.copy2(source, aside)
            waiting.append((part, aside))
        sync_all()
        for part, aside in waiting:
            if part.path.exists() or part.path.is_symlink():
                moved_away.mkdir(exist_ok=True)
                shutil.move(part.path, moved_away / part.name)
            for log in (part.path.with_name(part.path.name + ".wal"),):
                if log.exists():  # of the warehouse that was there, even if it is gone
                    moved_away.mkdir(exist_ok=True)
                    shutil.move(log, moved_away / log.name)
            aside.rename(part.path)
        sync_all()
    if moved_away.exists():
        print(f"What was there is in {moved_away} now; delete it when you need it no more.")


def what_next(home: Home) -> list[str]:
    """What to run, and what to know before."""
    lines = []
    missing = _missing_files(home)
    if missing:
        lines.append(
            f"{len(missing)} files that the warehouse has loaded are neither in landing/ nor in archive/, such as {missing[0]}:"
            " their rows stay. To drop them: dbt build --full-refresh --vars '{forget_missing: true}'"
        )
    return [*lines, "Next: dbt build. It brings everything up to date with what is in landing/ and archive/."]


def _missing_files(home: Home) -> list[str]:
    if not home.warehouse.exists():
        return []
    try:
        with duckdb.connect(str(home.warehouse), read_only=True) as warehouse:
            loaded = {
                file for (file,) in warehouse.execute("select file from state.current_loads").fetchall()
            }
        there = {entry.file for entry in list_landing_files(home.landing)}
        archived = {entry.file for entry in list_archive(home.archive, lambda path, problem: None)}
    except (duckdb.Error, ArchiveError):
        return []
    return sorted(loaded - there - archived)


def _parts_of(home: Home, held: Collection[str]) -> list[Part]:
    """The parts that a backup holds, and where they belong."""
    known = {part.name: part for part in all_parts(home)}
    return [known.get(name, Part(name, home.root / name)) for name in sorted(held)]


def _holds_something(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists() or path.is_symlink()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())

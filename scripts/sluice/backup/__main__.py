"""The command line of scripts/backup."""

import argparse
import datetime as dt
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
from tqdm import tqdm

from sluice import durable
from sluice.backup.copy import checksum, copy_held, copy_whole, holding_warehouse, sync_all
from sluice.backup.parts import (
    BackupError,
    Part,
    all_parts,
    built_parts,
    delivered_parts,
    files_of,
    write_manifest,
)
from sluice.holder import HeldError
from sluice.home import Home, data_home
from sluice.warehouse import WarehouseError

EPILOG = """\
DIR must not exist yet, or be empty: each backup has a folder of its own, which appears when it is whole.
It holds what is of one build: the warehouse, published files, lake and reports, copied while builds wait; then landing
zone, archive, and what streams and scripts/ingest keep, copied while others go on writing: a file that changes while it
is copied is copied again. So a backup's landing zone may be newer than its warehouse; the next build reads what is new.
Left out: scratch space, brokers, and files that changed at each of three attempts (they are named; exit code 1).

The backup holds personal data in clear, and pii.key where SLUICE_PII_KEY is unset. Its folder has the mode 0700.
scripts/restore DIR brings it back.

Reads SLUICE_HOME, SLUICE_LANDING, SLUICE_PUBLISHED, SLUICE_WAIT_SECONDS (how long it waits for a running build).
exit codes: 0 done, 1 something failed or was left out (messages say what), 2 wrong usage
"""
GROWING = ("streams", "ingest")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a backup. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/backup",
        description="Make a consistent copy of the data home in the folder DIR, while builds run.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the backup is made")
    folder = parser.parse_args(arguments).folder.absolute()
    durable.keep_private()
    home = data_home()
    for part in all_parts(home):
        if folder == part.path or part.path in folder.parents or folder in part.path.parents:
            parser.error(
                f"{folder} and {part.path} are one within the other; name a folder outside of what is copied"
            )
    try:
        left_out = make_backup(home, folder)
    except (
        BackupError,
        HeldError,
        WarehouseError,
        OSError,
        duckdb.Error,
        subprocess.SubprocessError,
    ) as problem:
        print(f"scripts/backup: {problem}", file=sys.stderr)
        return 1
    for path in left_out:
        print(
            f"scripts/backup: {path} kept changing while it was copied; it is not in the backup.",
            file=sys.stderr,
        )
    return 1 if left_out else 0


def make_backup(home: Home, folder: Path) -> list[Path]:
    """Make a backup in a folder, which appears when it is whole. Returns the files that were left out.

    Raises BackupError, HeldError, WarehouseError or OSError; then there is no backup.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(
            f"{folder} holds something already. Each backup needs a folder of its own; name another."
        )
    aside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    aside.chmod(0o700)
    made_at = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        with holding_warehouse(home):
            left_out = [path for part in built_parts(home) for path in _copy_part(part, aside)]
        left_out += [path for part in delivered_parts(home) for path in _copy_part(part, aside)]
        copied = [path for path in aside.rglob("*") if path.is_file()]
        shown = tqdm(copied, desc="checksums", unit="file", leave=False, disable=not sys.stderr.isatty())
        files = {path.relative_to(aside).as_posix(): (path.stat().st_size, checksum(path)) for path in shown}
        write_manifest(aside, made_at, files)
        sync_all()
        if folder.exists():
            folder.rmdir()
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    size = sum(size for size, _ in files.values())
    print(f"{len(files):,} files, {size:,} bytes of {home.root} copied to {folder}.")
    return left_out


def _copy_part(part: Part, aside: Path) -> list[Path]:
    """Copy a part. Returns the files that changed each time."""
    target, left_out = aside / part.name, []
    if part.name == "warehouse.duckdb":
        if part.path.exists():
            copy_held(part.path, target)
        return []
    files = files_of(part.path)
    if part.path.is_dir():
        target.mkdir()
    shown = tqdm(files, desc=part.name, unit="file", leave=False, disable=not sys.stderr.isatty())
    for file in shown:
        copy = target if file == part.path else target / file.relative_to(part.path)
        if not copy_whole(file, copy, part.name in GROWING) and file.exists():
            left_out.append(file)
    for place in [
        target,
        *target.rglob("*"),
    ]:  # last: a folder that may not be written to could not be filled
        if place.is_dir():
            shutil.copymode(part.path / place.relative_to(target), place)
    return left_out


if __name__ == "__main__":
    sys.exit(main())

"""The command line of scripts/archive."""

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

from sluice import durable
from sluice.archive.move import archive_files, drop_bundle, old_bundles, old_files, settle_leavings
from sluice.archive.store import ArchiveError
from sluice.archive.upkeep import compact_published, compact_warehouse, free_bytes, is_much
from sluice.holder import HeldError, warehouse_taken
from sluice.home import Home, data_home

EPILOG = """\
An archived file stays in every table; the ledger calls it archived. A full refresh, a change of rules and a reprocessed
date read the archive as they read the landing zone. Only files whose newest version is loaded are moved. A file that is
delivered again under its old path replaces the archived one.

--drop-older-than ends that: the rows stay, but a later full refresh stops, and names the files that are gone, unless it
is told to go on without them (--vars '{forget_missing: true}').

In the end database files of which much is free are made smaller. The warehouse is held meanwhile: builds wait.
It may be killed at any point and run again.

Reads SLUICE_HOME, SLUICE_LANDING, SLUICE_PUBLISHED, SLUICE_WAIT_SECONDS.
exit codes: 0 done, 1 something failed (messages say what), 2 wrong usage
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Archive, drop, tidy. Returns the exit code."""
    options = _parse(arguments)
    durable.keep_private()
    home = data_home()
    try:
        if options.older_than is not None:
            _archive(home, _day(options.older_than), options.feed, options.dry_run)
        if options.drop_older_than is not None:
            _drop(home, _day(options.drop_older_than), options.feed, options.dry_run)
        if not options.dry_run:
            _tidy(home)
    except (ArchiveError, HeldError, OSError, duckdb.Error) as problem:
        print(f"scripts/archive: {problem}", file=sys.stderr)
        return 1
    return 0


def _archive(home: Home, before: dt.date, feed: str | None, dry_run: bool) -> None:
    if not home.warehouse.exists():
        print("Nothing was loaded yet, so nothing can be archived. Run: dbt build")
        return
    with (
        warehouse_taken(home.warehouse),
        duckdb.connect(str(home.warehouse), read_only=dry_run) as warehouse,
    ):
        rows = warehouse.execute(
            "select file, cast(ingest_date as varchar), size_bytes, modified_ns from state.loads"
            " where load_id in (select load_id from state.current_loads)"
        ).fetchall()
        if not dry_run:
            settle_leavings(home.landing, home.archive)
        files = old_files(home.landing, {file: (day, *version) for file, day, *version in rows}, before, feed)
        size = sum(file.entry.size_bytes for file in files)
        if dry_run:
            for file in files:
                print(f"would archive {file.entry.size_bytes:>14,} bytes  {file.entry.file}")
            print(f"{len(files)} files, {size:,} bytes of ingest dates before {before} would be archived.")
            return
        moved = archive_files(files, home.landing, home.archive, lambda file: None)
    print(f"{moved} files, {size:,} bytes of ingest dates before {before} archived in {home.archive}.")


def _drop(home: Home, before: dt.date, feed: str | None, dry_run: bool) -> None:
    bundles = list(old_bundles(home.archive, before, feed))
    for path in bundles:
        print(f"{'would drop' if dry_run else 'dropped'} {path.stat().st_size:>14,} bytes  {path}")
        if not dry_run:
            drop_bundle(path)
    if not bundles:
        print(f"The archive has nothing of ingest dates before {before}.")


def _tidy(home: Home) -> None:
    if home.warehouse.exists():
        with warehouse_taken(home.warehouse), duckdb.connect(str(home.warehouse)) as warehouse:
            if is_much(*free_bytes(warehouse)):
                print(f"{compact_warehouse(warehouse, home.warehouse):,} bytes of the warehouse given back.")
    for path in published_files(home):
        saved = compact_published(path)
        if saved > 0:
            print(f"{saved:,} bytes of {path} given back.")


def published_files(home: Home) -> list[Path]:
    """The published database files."""
    return sorted(path for path in home.published.rglob("*.db") if ".staging" not in path.parts)


def _day(days: int) -> dt.date:
    return dt.datetime.now(dt.UTC).date() - dt.timedelta(days=days)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/archive",
        description="Move the raw records of old landing files into archive/, as Parquet.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    days = "files of ingest dates more than DAYS days ago (UTC)"
    parser.add_argument("--older-than", type=_days, metavar="DAYS", help=f"archive {days}")
    parser.add_argument("--drop-older-than", type=_days, metavar="DAYS", help=f"drop archived {days}")
    parser.add_argument("--feed", metavar="F", help="only of this feed")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    options = parser.parse_args(arguments)
    if options.older_than is None and options.drop_older_than is None:
        parser.error("give --older-than DAYS, --drop-older-than DAYS, or both")
    return options


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 100_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of days")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

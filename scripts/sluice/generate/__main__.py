"""The command scripts/generate_data."""

import argparse
import datetime as dt
import sys
from pathlib import Path

import duckdb
from tqdm import tqdm

from sluice import durable
from sluice.generate.feeds import FEEDS
from sluice.generate.run import DEFAULT_START, generate
from sluice.home import data_home

DESCRIPTION = """\
Write messy data for the feeds, the same bytes for the same arguments, and the truth about it:

  <home>/landing/<feed>/ingest_date=YYYY-MM-DD/[hour=HH/]*.csv | *.csv.gz
  <home>/ground_truth/<feed>_records.parquet    one row per record: file, record_number (from 1, the header
                                                not counted), key, verdict (clean, duplicate, quarantined),
                                                reasons, repaired (columns), time_shape
  <home>/ground_truth/<feed>_entities.parquet   one row per key: its best record, typed; instants are UTC
  <home>/ground_truth/service_metrics_per_minute.parquet
  <home>/ground_truth/summary.json              counts per feed, and the files written

The truth holds for a landing zone with these files and no others. The customers of orders and product events
are known only if customers are generated in the same run; otherwise all those records are quarantined.
Two records of one file that are equal are told apart by their number; either may count as the duplicate.
Files are written aside as *.part and renamed."""
EPILOG = """\
exit codes: 0 written; 1 could not write, or a file or a ground truth is in the way (nothing is replaced
without --overwrite); 2 wrong usage"""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    home: Path = options.home or data_home().root
    landing = home / "landing" if options.home else data_home().landing
    feeds = list(dict.fromkeys(options.feed or FEEDS))
    durable.keep_private()
    try:
        durable.make_folder(home.absolute(), is_public=True)
        with tqdm(total=options.rows * len(feeds), unit=" rows", unit_scale=True, disable=None) as bar:
            summary = generate(
                options.rows,
                options.days,
                options.seed,
                home.absolute(),
                feeds,
                start_date=options.start_date,
                structural_faults=options.structural_faults,
                overwrite=options.overwrite,
                landing=landing.absolute(),
                progress=bar.update,
            )
    except (OSError, duckdb.IOException) as error:
        print(f"generate_data: {error}", file=sys.stderr)
        return 1
    for name, feed in summary.feeds.items():
        print(
            f"{name}: {feed.rows} records in {feed.files} files: {feed.clean} clean,"
            f" {feed.duplicates} duplicates, {feed.quarantined} quarantined"
        )
    if "customers" not in feeds and {"orders", "product_events"} & set(feeds):
        print(
            "generate_data: without customers, all orders and product events are of unknown ones",
            file=sys.stderr,
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/generate_data",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--rows", type=_positive, default=10_000, metavar="N", help="records of each feed (default 10000)"
    )
    parser.add_argument(
        "--days", type=_positive, default=3, metavar="D", help="ingest dates to spread them over (default 3)"
    )
    parser.add_argument(
        "--seed", type=_not_negative, default=1, metavar="S", help="another seed, other data (default 1)"
    )
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help="where to write (default: SLUICE_HOME and SLUICE_LANDING, else data/)",
    )
    parser.add_argument(
        "--feed",
        nargs="+",
        action="extend",
        choices=list(FEEDS),
        metavar="F",
        help=f"only these feeds, of {', '.join(FEEDS)}",
    )
    parser.add_argument(
        "--start-date",
        type=_date,
        default=DEFAULT_START,
        metavar="DATE",
        help=f"the first ingest date (default {DEFAULT_START})",
    )
    parser.add_argument(
        "--structural-faults",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="in one file of each day and feed: a line with too few columns, with too many, with an"
        " unterminated quote and with a byte that is not UTF-8; once per feed a line over 1 MiB (default)",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="first remove the run before: its ground truth and the landing files it names",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _not_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return number


def _date(text: str) -> dt.date:
    try:
        date = dt.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not a date like 2026-01-01") from error
    if not dt.date(2002, 1, 1) <= date <= dt.date(2090, 1, 1):
        raise argparse.ArgumentTypeError(f"{text} is not between 2002-01-01 and 2090-01-01")
    return date


if __name__ == "__main__":
    sys.exit(main())

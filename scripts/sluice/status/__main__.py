"""The command line of scripts/status."""

import argparse
import datetime as dt
import sqlite3
import sys
from collections.abc import Sequence

from sluice.holder import warehouse_holder
from sluice.home import data_home
from sluice.status.pending import PendingFile, pending_files, with_problems
from sluice.status.published import Summary, read_alerts, read_ledger, read_summary

SHOWN_GUESSES = 5
EPILOG = """\
--pending compares the landing zone with the ledger of the last published build, and reads the files that wait to say
which of them will fail. It cannot see changed rules:
after a change of models, macros, vars or rule seeds the next build reads every file again. It neither writes
nor locks anything, so it works while a build runs (and says so).

exit codes: 0 well (for --alerts: no critical or warning alert stands), 1 nothing published, unreadable, or
such an alert stands, 2 wrong usage
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was asked for. Returns the exit code."""
    options = _parse(arguments)
    home = data_home()
    sluice, operations = home.published / "sluice.db", home.published / "operations.db"
    try:
        if options.pending:
            files = pending_files(home.landing, read_ledger(operations), options.start_date, options.end_date)
            return _print_pending(with_problems(files), warehouse_holder(home.warehouse))
        if not sluice.exists():
            print(f"Nothing has been published in {home.published} yet. Run: dbt build", file=sys.stderr)
            return 1
        if options.alerts:
            return _print_alerts(read_alerts(sluice, options.days))
        _print_summary(read_summary(sluice, operations), warehouse_holder(home.warehouse))
        return 0
    except sqlite3.Error as problem:
        message = f"The published files in {home.published} cannot be read: {problem}. Run: dbt build"
        print(message, file=sys.stderr)
        return 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/status",
        description="What the last build did: runs, files, records, freshness and alerts. Reads SLUICE_HOME.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--alerts", action="store_true", help="the alerts; exit 1 if one stands")
    chosen.add_argument(
        "--pending", action="store_true", help="dry run: what the next build would read, and why"
    )
    days = "with --alerts: only those of the newest N ingest dates"
    parser.add_argument("--days", type=_positive, metavar="N", help=days)
    for name in ("start", "end"):
        as_var = f"with --pending: as the dbt var {name}_date"
        parser.add_argument(f"--{name}-date", type=_date, metavar="DATE", help=as_var)
    options = parser.parse_args(arguments)
    if options.days and not options.alerts:
        parser.error("--days goes with --alerts")
    if (options.start_date or options.end_date) and not options.pending:
        parser.error("--start-date and --end-date go with --pending")
    if options.end_date and not options.start_date:
        parser.error("--end-date needs --start-date")
    if options.end_date and options.end_date < options.start_date:
        parser.error(f"--end-date {options.end_date} is before --start-date {options.start_date}")
    return options


def _date(text: str) -> str:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").date().isoformat()
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"'{text}' is not a date YYYY-MM-DD") from problem


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive number")
    return int(text)


def _print_pending(files: Sequence[PendingFile], holder: str | None) -> int:
    for file in files:
        print(f"{file.why:<8} {file.size_bytes:>14,} bytes  {file.file}")
        if file.problem:
            print(f"{'':<8} will fail: {file.problem}")
    size = sum(file.size_bytes for file in files)
    print(f"{len(files)} files, {size:,} bytes would be read." if files else "Nothing would be read.")
    if failing := sum(file.problem is not None for file in files):
        print(f"{failing} of them will fail.")
    if holder:
        print(f"A build is running ({holder}); what it reads now is listed, too.")
    return 0


def _print_alerts(alerts: Sequence[sqlite3.Row]) -> int:
    for alert in alerts:
        subject = f"{alert['ingest_date']} {alert['feed']} {alert['alert']}"
        print(f"{alert['severity']:<8} {subject}: {alert['message']}")
    standing = [alert for alert in alerts if alert["severity"] != "info"]
    print(f"{len(standing)} alerts stand." if standing else "No critical or warning alert stands.")
    return 1 if standing else 0


def _print_summary(summary: Summary, holder: str | None) -> None:
    print(f"Published  {summary.published_at}")
    if holder:
        print(f"Running    a build holds the warehouse now ({holder})")
    run = summary.last_run
    if run:
        seconds = f" in {run['seconds']:.1f} s" if run["seconds"] is not None else ""
        read = f"{run['files_loaded'] or 0:,} files, {run['records_read'] or 0:,} records"
        print(f"Last run   {run['started_at']} {run['status']}{seconds}: {read} read")
    print("Files      " + (", ".join(f"{count:,} {status}" for status, count in summary.files) or "none"))
    for number, guess in enumerate(summary.guesses[:SHOWN_GUESSES]):
        print(f"{'Read as' if number == 0 else '':<11}{guess}")
    if len(summary.guesses) > SHOWN_GUESSES:
        print(f"{'':<11}… and {len(summary.guesses) - SHOWN_GUESSES} more: file_loads of operations.db")
    print()
    print(f"{'feed':<16}{'read':>14}{'clean':>14}{'quarantined':>14}  {'last delivery':<15}newest event")
    names = ("records_read", "clean_count", "quarantined_count")
    for feed in summary.feeds:
        counts = "".join(f"{feed[name]:>14,}" for name in names)
        print(f"{feed['feed']:<16}{counts}  {feed['last_delivery'] or '-':<15}{feed['newest_event'] or '-'}")
    print()
    print("Alerts     " + (", ".join(f"{count} {severity}" for severity, count in summary.alerts) or "none"))
    if summary.alerts:
        print("           scripts/status --alerts lists them")


if __name__ == "__main__":
    sys.exit(main())

"""The shop as one hand-written DuckDB script: what a good engineer would write without dbt, once, for one day's work.

Reads the landing zone's customers, product_events and orders, judges every record, joins against the customers,
keeps the best record per key, and writes what consumers see: entities, quarantine and metrics in a DuckDB file,
Parquet partitions and a SQLite file. It has no ledger, no increments, no tests and no reports, and reads only
well-formed files whose columns have their own names: the yardstick for `dbt build`, not its equal.

usage: scripts/lib/python -m sluice.bench.shop_by_hand OUTPUT_FOLDER [--compare]
`--compare` then holds the numbers against $SLUICE_HOME/published/sluice.db and exits 1 where they differ.
"""

import argparse
import resource
import shutil
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import duckdb

from sluice.deliver.sqlite.fill import fill
from sluice.home import data_home

SQL = Path(__file__).with_name("shop_by_hand.sql")
COMPARED = {
    "daily_metrics": "ingest_date, feed, records_read, clean_count, duplicate_count, quarantined_count,"
    " round(p50_duration_ms, 6), round(p95_duration_ms, 6)",
    "daily_order_totals": "ingest_date, currency, status, order_count, round(amount, 4)",
    "hourly_events": "feed, event_date, hour, event_count",
    "orders": "order_id, customer_id, ordered_at, amount, currency, status, ingest_date",
    "customers": "customer_id, country, created_at",
    "product_events": "event_id, customer_id, event_type, event_at, platform, session_id, duration_ms, ingest_date",
}


def run(landing: Path, output: Path) -> float:
    """Do all the work into an empty folder. Returns the seconds it took."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    started = time.perf_counter()
    with closing(duckdb.connect(str(output / "shop.duckdb"))) as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute("set preserve_insertion_order = false")
        db.execute(f"set variable landing = '{landing}'")
        for step in SQL.read_text().split("-- step: ")[1:]:
            name, _, statements = step.partition("\n")
            before = time.perf_counter()
            if name == "sqlite":
                _write_sqlite(db, output / "shop.db", statements)
            else:
                db.execute(statements.replace("$output", str(output)))
            print(f"{name:<24} {time.perf_counter() - before:7.2f} s", flush=True)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'total':<24} {seconds:7.2f} s, peak {peak:,.0f} MB")
    return seconds


def _write_sqlite(db: duckdb.DuckDBPyConnection, path: Path, statements: str) -> None:
    """Run the last step: a line is a statement for SQLite, or `table: query` for DuckDB."""
    lines = [line.removesuffix(";") for line in statements.strip().splitlines()]
    with closing(sqlite3.connect(path)) as published:
        for line in lines:
            if line.startswith("create table"):
                published.execute(line)
    queries = (line.partition(": ") for line in lines if not line.startswith("create "))
    fill(db, path, [(table, query) for table, _, query in queries])
    with closing(sqlite3.connect(path)) as published:
        for line in lines:
            if line.startswith("create unique index"):
                published.execute(line)


def differences(output: Path, published: Path) -> list[str]:
    """Where the two disagree, one line per table."""
    found = []
    for table, columns in COMPARED.items():
        feeds = " where feed in ('customers', 'orders', 'product_events')" if "feed," in columns else ""
        rows = []
        for file in (output / "shop.db", published / "sluice.db"):
            with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as db:
                rows.append(set(db.execute(f"select {columns} from {table}{feeds}")))
        if rows[0] != rows[1]:
            only = [sorted(rows[a] - rows[1 - a], key=repr)[:2] for a in (0, 1)]
            counts = f"{len(rows[0] - rows[1])} and {len(rows[1] - rows[0])} rows"
            found.append(f"{table}: {counts} stand on one side only; by hand {only[0]}, published {only[1]}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and compare when asked to. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="sluice.bench.shop_by_hand", description="The shop by hand.")
    parser.add_argument("output", type=Path, metavar="OUTPUT_FOLDER", help="emptied first")
    parser.add_argument("--compare", action="store_true", help="with what dbt build published")
    options = parser.parse_args(arguments)
    home = data_home()
    run(home.landing, options.output)
    found = differences(options.output, home.published) if options.compare else []
    print(
        "\n".join(found) if found else ("Equal to what was published." if options.compare else ""), end="\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Ten days of the shop: `dbt build` against one hand-written script, results compared before the times are told.

Measured as whole processes, each with a data home of this run:
  build    the first `dbt build` of everything, published, with lake and reports
  by hand  sluice.bench.shop_by_hand, which does the same once, without ledger, increments and tests
  nothing  a build with nothing new
  late     a build after a customers file that releases about 1,000 orders
The last two are measured in turn, --rounds times, and the middle one of each is told, and of their differences.
dbt's start-up, the wall time of `dbt ls`, stands beside them.
"""

import argparse
import datetime as dt
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from statistics import median

import duckdb

from sluice.bench.arguments import how_many
from sluice.bench.process import Run, apart, dbt, measure
from sluice.bench.shop_by_hand import differences

FILES = Path(__file__).with_name("shop_landing.sql").read_text(encoding="utf-8").split("-- file: ")[1:]
INSTANT = """
    create macro instant_text(day, i) as (
        with instant(t) as (select day + to_milliseconds((i * 7919) % 86400000))
        select case i % 10
            when 0 then strftime(t, '%Y-%m-%d %H:%M:%S') when 1 then cast(epoch_ms(t) as varchar)
            when 2 then strftime(t, '%d/%m/%Y %H:%M:%S') when 3 then 'not-a-date'
            when 4 then strftime(t, '%Y-%m-%dT%H:%M:%S+00:00') else strftime(t, '%Y-%m-%dT%H:%M:%S.%gZ') end
        from instant)"""
FIRST_DAY = dt.date(2026, 1, 1)
RELEASED_ORDERS = 1_000


def write_landing(landing: Path, days: int, records: int) -> int:
    """Write `days` of `records` a day. Returns how many customers there are; a fiftieth more are named."""
    customers = records // 2
    with closing(duckdb.connect()) as db:
        db.execute(INSTANT)
        for number in range(days):
            day = FIRST_DAY + dt.timedelta(days=number)
            for file in FILES:
                feed, _, query = file.partition("\n")
                folder = landing / feed.strip() / f"ingest_date={day}"
                folder.mkdir(parents=True)
                for name, value in (
                    ("number", number),
                    ("records", records),
                    ("customers", customers),
                    ("day", day),
                ):
                    query = query.replace(f"${name}", str(value))
                db.execute(f"copy ({query}) to '{folder / 'shop.csv'}' (header)")
    return customers


def write_late_customers(landing: Path, customers: int, orders: int, number: int) -> None:
    """The customers file of a round: as many of the unknown customers, each time others, as RELEASED_ORDERS orders need."""
    brought = max(1, round(RELEASED_ORDERS / (orders / (customers * 51 // 50))))
    lines = [
        f"c{customers + late},late{late}@shop.example,NL,2026-01-05"
        for late in range(number * brought, (number + 1) * brought)
    ]
    (landing / "customers" / f"ingest_date={FIRST_DAY}" / f"late{number}.csv").write_text(
        "customer_id,email,country,created_at\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )


def run(days: int, records: int, rounds: int, work: Path) -> dict[str, list[Run]]:
    """Every measurement, nothing and late once a round. Raises ValueError if the published tables and those made by hand differ."""
    home, by_hand = work / "home", work / "by_hand"
    shutil.rmtree(work, ignore_errors=True)
    customers = apart(write_landing, home / "landing", days, records)
    dbt(home, "parse")
    runs = {"start-up": [dbt(home, "ls", "--quiet")], "build": [dbt(home, "build")]}
    script = [sys.executable, "-m", "sluice.bench.shop_by_hand", str(by_hand)]
    runs["by hand"] = [measure(script, env={"SLUICE_HOME": str(home)})]
    found = apart(differences, by_hand, home / "published")
    if found:
        raise ValueError("The results differ, so their times cannot be compared: " + "; ".join(found))
    runs |= {"nothing": [], "late": []}
    for number in range(rounds):
        runs["nothing"].append(dbt(home, "build"))
        write_late_customers(home / "landing", customers, days * records * 3 // 10, number)
        runs["late"].append(dbt(home, "build"))
    return runs


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as JSON. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench shop", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=how_many, default=10, help="days (default: %(default)s)")
    parser.add_argument(
        "--records", type=how_many, default=1_000_000, help="records a day (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=how_many, default=3, help="of nothing and late (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sluice-bench.") as work:
        try:
            runs = run(options.days, options.records, options.rounds, Path(work))
        except (RuntimeError, ValueError) as error:
            print(f"scripts/bench shop: {error}", file=sys.stderr)
            return 1
    middle = {name: sorted(each, key=lambda one: one.wall_s)[len(each) // 2] for name, each in runs.items()}
    build = middle["build"].wall_s - middle["start-up"].wall_s
    late = median(
        late.wall_s - nothing.wall_s for nothing, late in zip(runs["nothing"], runs["late"], strict=True)
    )
    print(
        json.dumps(
            {
                **{name: asdict(run) for name, run in middle.items()},
                "build_to_by_hand": round(build / middle["by hand"].wall_s, 2),
                "late_beyond_nothing_s": round(late, 2),
                "late_to_build": round(late / build, 3),
            },
            indent=2,
        )
    )
    return 0

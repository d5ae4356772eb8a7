"""The service feed against what an engineer would write by hand: same data, same result, whole processes.

Per number of records, interleaved over the rounds, each with a fresh data home:
  a  first `dbt build` of the service feed with its tests, without the publishing nodes
  b  one hand-written DuckDB script      c  one Polars script
  d  a build after one new file of 100,000 records, 2 % of them rivals of old ones
  e  a build with nothing new
  f  publishing alone, first; after d it is a whole `dbt build` less one with nothing new, because only a whole build
     sends what changed: a part of the published tables is compared row by row
dbt's start-up, the wall time of `dbt ls`, is measured in the same round and reported beside the figures.
"""

import shutil
import sys
from contextlib import closing
from pathlib import Path

import duckdb

from sluice.bench.process import Run, apart, dbt, measure

BASELINES = Path(__file__).parent / "baselines"
BUILD = ["--selector", "service_feed"]
PUBLISH = ["--select", "config.meta.feed:service_events,tag:publish", "--indirect-selection", "empty"]
NEW_RECORDS = 100_000


def run_round(rows: int, work: Path, days: int = 10) -> dict[str, Run]:
    """One round of every measurement on `rows` records; the data are made once per `work` folder."""
    data = work / f"data-{rows}"
    if not data.exists():
        measure(
            [sys.executable, str(BASELINES / "generate_service_events.py"), str(rows), str(days), str(data)]
        )
    home = work / "home"
    shutil.rmtree(home, ignore_errors=True)
    landing = home / "landing" / "service_events"
    landing.mkdir(parents=True)
    for folder in sorted(data.iterdir()):
        (landing / folder.name).symlink_to(folder)
    by_hand = work / "by_hand.duckdb"
    dbt(home, "parse")
    runs = {
        "start-up": dbt(home, "ls", "--quiet"),
        "a": dbt(home, "build", *BUILD),
        "b": measure([sys.executable, str(BASELINES / "duckdb_by_hand.py"), str(data), str(by_hand)]),
        "c": measure(
            [sys.executable, str(BASELINES / "polars_pipeline.py"), str(data), str(work / "polars")]
        ),
    }
    apart(compare, home / "warehouse.duckdb", by_hand)
    runs["f first"] = dbt(home, "build", *PUBLISH)
    dbt(home, "build")
    runs["e"] = dbt(home, "build", *BUILD)
    apart(_add_file, by_hand, landing)
    runs["d"] = dbt(home, "build", *BUILD)
    runs["whole after d"] = dbt(home, "build")
    runs["whole, nothing"] = dbt(home, "build")
    return runs


def compare(warehouse: Path, by_hand: Path) -> None:
    """Raise ValueError unless both hold the same events and the same minutes."""
    minutes = """
        select count(*), sum(request_count), sum(latency_count), sum(status_count), sum(error_count),
            sum(hash(service || ' ' || epoch_us(cast(minute as timestamp)) || ' ' || request_count || ' ' || error_count))
        from {}"""
    with closing(duckdb.connect()) as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"attach '{warehouse}' as sluice (read_only)")
        db.execute(f"attach '{by_hand}' as by_hand (read_only)")
        ours = db.execute(minutes.format("sluice.service_metrics_per_minute")).fetchone()
        theirs = db.execute(minutes.format("by_hand.per_minute")).fetchone()
    if ours != theirs:
        raise ValueError(f"The results differ, so their times cannot be compared: {ours} and {theirs}")


def _add_file(by_hand: Path, landing: Path) -> None:
    """One new file on the last day: 98 % new events, 2 % later versions of events of that day."""
    folder = landing / "ingest_date=2026-02-01"
    folder.mkdir()
    with closing(duckdb.connect(str(by_hand), read_only=True)) as db:
        db.execute(
            f"""
            copy (
                select event_id, service, event_type, strftime(event_at + interval 1 second, '%Y-%m-%dT%H:%M:%S.%gZ') as timestamp,
                    latency_ms, status_code, user_id
                from (from service_events where event_at >= (select max(event_at) - interval 1 day from service_events)
                    order by event_id limit {NEW_RECORDS // 50})
                union all
                select 'new-' || i, 'checkout', 'request',
                    strftime(timestamp '2026-02-01' + to_seconds(i // 2), '%Y-%m-%dT%H:%M:%S.%gZ'), i % 400, 200, 'u' || i % 1000
                from range({NEW_RECORDS - NEW_RECORDS // 50}) as new(i)
            ) to '{folder / "events.csv"}' (header)"""
        )

"""A data home at two times, and homes mixed from them."""

import itertools
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import duckdb
from tests.pipeline.harness import DataHome
from tests.shop.deliveries import customers, event, events, order, orders
from tests.shop.outputs import lake_tables, reports

from sluice.archive.__main__ import main as archive
from sluice.backup.__main__ import make_backup
from sluice.backup.parts import all_parts
from sluice.backup.restore import restore_backup
from sluice.home import data_home

D1, D2 = "ingest_date=2026-01-01", "ingest_date=2026-01-02"
TENANT = "event_id,tenant_id,source,event_type,timestamp,payload\n"
SERVICE = "event_id,service,event_type,timestamp,latency_ms,status_code,user_id\n"
BANK = "id,description,amount,timestamp,merchant,operation_type,side\n"
TIMES = {"old": 1_700_000_000, "new": 1_750_000_000, "other": 1_760_000_000}


def _tenants(*rows: tuple[str, str, int]) -> str:
    lines = [
        f'{event},{tenant},web,click,2026-01-01T10:00:00Z,"{{""amount"": {amount}}}"\n'
        for event, tenant, amount in rows
    ]
    return TENANT + "".join(lines)


def _services(*rows: tuple[str, int]) -> str:
    return SERVICE + "".join(
        f"{name},cart,get,2026-01-01T10:0{n % 10}:00Z,{n},200,u{n}\n" for name, n in rows
    )


def _bank(*rows: tuple[str, int]) -> str:
    return BANK + "".join(
        f"{name},Lunch,{amount},2026-01-01T10:00:00Z,Cafe,card,debit\n" for name, amount in rows
    )


LANDING: dict[str, dict[str, str]] = {
    "old": {
        f"customers/{D1}/a.csv": customers("c1", "c2"),
        f"orders/{D1}/a.csv": orders(order(1), order(2, "c9"), order(3, amount=-1)),
        f"orders/{D2}/archived.csv": orders(order(50, day="2026-01-02")),
        f"product_events/{D1}/a.csv": events(event(1), event(2, "c9"), event(3)),
        f"service_events/{D1}/a.csv": _services(("s1", 1), ("s2", 2), ("s3", 3)),
        f"service_events/{D2}/archived.csv": _services(("s8", 8)),
        f"tenant_events/{D1}/a.csv": _tenants(("t1", "acme", 5), ("t2", "globex", 7), ("t3", "initech", 1)),
        f"transactions/{D1}/a.csv": _bank(("b1", 5), ("b2", 6)),
    },
    "new": {
        f"customers/{D1}/a.csv": customers("c1", "c9"),
        f"orders/{D1}/a.csv": orders(order(1, amount=20), order(2, "c9"), order(4, "c2")),
        f"orders/{D2}/archived.csv": orders(order(50, day="2026-01-02")),
        f"product_events/{D1}/a.csv": events(event(1, duration=9), event(2, "c9"), event(4, "c2")),
        f"service_events/{D1}/a.csv": _services(("s1", 5), ("s2", 2), ("s4", 4)),
        f"service_events/{D2}/archived.csv": _services(("s8", 9), ("s9", 1)),
        f"tenant_events/{D1}/a.csv": _tenants(("t1", "acme", 6), ("t2", "globex", 7), ("t4", "hooli", 1)),
        f"transactions/{D1}/a.csv": _bank(("b1", 50), ("b3", 6)),
    },
    "other": {
        f"customers/{D1}/a.csv": customers("c2", "c3"),
        f"orders/{D1}/a.csv": orders(order(1, "c2", amount=30), order(5, "c3"), order(6, "c1")),
        f"product_events/{D1}/a.csv": events(event(1, "c2", duration=7), event(5, "c3")),
        f"service_events/{D1}/a.csv": _services(("s1", 7), ("s5", 5)),
        f"tenant_events/{D1}/a.csv": _tenants(("t1", "acme", 8), ("t5", "globex", 7)),
        f"transactions/{D1}/a.csv": _bank(("b1", 500), ("b4", 6)),
    },
}
"""What was delivered at each time; two files of it were archived at the time `new`. `other` is how things went on after
the older warehouse was brought back: it has the number of batches that `new` has."""
ARCHIVED = (f"orders/{D2}/archived.csv", f"service_events/{D2}/archived.csv")
PARTS: dict[str, tuple[str, ...]] = {
    "warehouse.duckdb": ("old", "new", "absent", "damaged"),
    "published": ("old", "new", "absent", "damaged"),
    "lake": ("old", "new", "absent", "damaged"),
    "reports": ("old", "new", "absent", "damaged"),
    "landing": ("old", "new", "other"),
    "archive": ("absent", "new", "damaged"),
}
Mix = Mapping[str, str]


def mixes() -> list[dict[str, str]]:
    """So few mixes that each state of each part meets each state of each other part in one of them."""
    names = list(PARTS)
    every = [dict(zip(names, states, strict=True)) for states in itertools.product(*PARTS.values())]

    def pairs(mix: Mix) -> set[tuple]:
        return {(*one, *other) for one, other in itertools.combinations(mix.items(), 2)}

    # Things went on otherwise after the warehouse alone was brought back: its next batch has a number that is known.
    chosen = [dict(zip(names, ("old", "new", "new", "new", "other", "absent"), strict=True))]
    missing = set().union(*map(pairs, every)) - pairs(chosen[0])
    while missing:
        best = max(every, key=lambda mix: len(pairs(mix) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def deliver(home: DataHome, files: Mapping[str, str], time: str, without: Iterable[str] = ()) -> None:
    """Write landing files, all of one modification time."""
    for file, content in files.items():
        if file not in without:
            home.write(file, content, TIMES[time])


def make_backups(home: DataHome, folder: Path) -> None:
    """Builds at the times old and new, and their backups, below a folder. The home is empty afterwards."""
    deliver(home, LANDING["old"], "old")
    home.build()
    make_backup(data_home(), folder / "old")
    deliver(home, LANDING["new"], "new")
    home.build()
    archived = [home.landing / file for file in LANDING["new"] if file not in ARCHIVED]
    kept = [(path, path.read_bytes()) for path in archived]
    assert archive(["--older-than", "0"]) == 0
    for path, content in kept:
        shutil.rmtree(
            home.root / "archive" / path.relative_to(home.landing).parts[0] / D1, ignore_errors=True
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        home.write(str(path.relative_to(home.landing)), content, TIMES["new"])
    home.build()
    make_backup(data_home(), folder / "new")
    home.clear()


def mix(home: DataHome, backups: Path, states: Mix) -> None:
    """Make a home of parts of different ages."""
    home.clear()
    shutil.rmtree(home.landing)
    parts = {part.name: part for part in all_parts(data_home())}
    for name, state in states.items():
        source = backups / ("new" if state == "damaged" else state)
        if state == "other":
            deliver(home, LANDING["other"], "other")
        elif source.is_dir() and (source / name).exists():
            restore_backup(data_home(), source, [parts[name]], replace=False)
        if state == "damaged":
            DAMAGE[name](home.root / name)


def expected_landing(states: Mix) -> dict[str, tuple[str, str]]:
    """The files of the landing zone that a clean build needs for the tables of a mix: those that are there, and those
    that are gone but the warehouse knows, because what disappears keeps its rows. File -> time and content."""
    there = LANDING[states["landing"]]
    files = {
        file: (states["landing"], text)
        for file, text in there.items()
        if file not in ARCHIVED or states["landing"] == "old"
    }
    known = {"old": "old", "new": "new"}.get(states["warehouse.duckdb"])
    for file in ARCHIVED:
        if file in files:
            continue
        if states["archive"] == "new":
            files[file] = ("new", LANDING["new"][file])
        elif known:
            files[file] = (known, LANDING[known][file])
    return files


def outcome(home: DataHome) -> dict[str, object]:
    """Every published table, tenants' files, lake and reports. Of the ledger, what does not tell where a file is now."""
    tables = {name: rows for name, rows in home.everything().items() if name != "file_loads"}
    ledger = home.query(
        "select file, records_read, clean_count, duplicate_count, quarantined_count from file_loads"
        " where status in ('loaded', 'archived') order by file"
    )
    return {**tables, "file_loads": ledger, **lake_tables(home), **reports(home)}


def flip(path: Path) -> None:
    """Turn bytes in the middle of a file over."""
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 2, min(len(content), len(content) // 2 + 64)):
        content[place] ^= 255
    path.write_bytes(content)


def truncate(path: Path) -> None:
    """Cut a file in half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def become_a_folder(path: Path) -> None:
    """Put a folder in the place of a file."""
    path.unlink()
    path.mkdir()


def _damage_published(published: Path) -> None:
    flip(published / "sluice.db")
    truncate(published / "operations.db")
    become_a_folder(published / "tenants" / "acme.db")
    (published / "tenants" / "globex.db").write_bytes(b"")
    flip(published / "tenants" / "hooli.db")


def _damage_lake(lake: Path) -> None:
    clean = [file for file in sorted((lake / "clean").rglob("*.parquet")) if file.is_file()]
    for damage, file in zip((flip, truncate, become_a_folder, Path.unlink), clean, strict=False):
        damage(file)
    metrics = lake / "metrics" / "hourly_events"
    shutil.rmtree(metrics)
    metrics.write_text("a file")
    stray = lake / "clean" / "orders" / "ingest_date=1999-01-01"
    stray.mkdir()
    duckdb.sql("select 1 as x").write_parquet(str(stray / "data.parquet"))


def _damage_reports(folder: Path) -> None:
    for damage, report in zip(
        (flip, become_a_folder, truncate), sorted(folder.rglob("*/*.json")), strict=False
    ):
        damage(report)


def _damage_archive(folder: Path) -> None:
    bundles = sorted(folder.rglob("*.parquet"))
    assert len(bundles) == 2
    for damage, bundle in zip((flip, truncate), bundles, strict=True):
        damage(bundle)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "warehouse.duckdb": truncate,
    "published": _damage_published,
    "lake": _damage_lake,
    "reports": _damage_reports,
    "archive": _damage_archive,
}

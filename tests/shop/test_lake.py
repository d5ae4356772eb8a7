"""The lake: what it holds, who can read it, that only changed partitions are written, and how it heals."""

# ruff: noqa: E501 - rows of test tables stay on one line

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import polars
import pytest
from tests.pipeline.harness import DataHome
from tests.shop.deliveries import customers, event, events, order, orders
from tests.shop.outputs import inodes, lake_tables

from sluice import durable
from sluice.deliver.lake import files
from sluice.deliver.lake.files import MAX_ADDED, change_partitions, growing_partitions
from sluice.deliver.noted import read_state, replace_text, write_state

pytestmark = pytest.mark.slow  # many builds


def _deliver(home: DataHome) -> None:
    home.write("customers/ingest_date=2026-01-01/a.csv", customers("c1", "c2"))
    for day in ("2026-01-01", "2026-01-02"):
        home.write(
            f"orders/ingest_date={day}/a.csv",
            orders(order(day, day=day, amount="0.1"), order(f"{day}x", amount=0)),
        )
        home.write(f"product_events/ingest_date={day}/a.csv", events(event(day, day=day)))
    home.write(
        "service_events/ingest_date=2026-01-01/a.csv",
        "event_id,service,event_type,timestamp,user_id\ne1,cart,request,2026-01-01T10:00:00Z,u1\n",
    )


def test_the_lake_holds_typed_tables_without_personal_data(home: DataHome) -> None:
    _deliver(home)
    home.build()
    tables = lake_tables(home)
    assert {
        "clean/customers", "clean/orders", "clean/product_events", "clean/service_events", "quarantine/orders",
        "metrics/daily_metrics", "metrics/daily_order_totals", "metrics/hourly_events",
        "metrics/service_metrics_per_minute", "metrics/service_metrics_per_hour", "metrics/service_metrics_per_day",
    } == set(tables)  # fmt: skip
    assert Decimal("0.1000") in {row[3] for row in tables["clean/orders"]}
    rejected = duckdb.sql(
        f"from read_parquet('{home.root}/lake/quarantine/orders/**/*.parquet', hive_partitioning = true)"
    )
    row = dict(zip(rejected.columns, rejected.fetchall()[0], strict=True))
    assert (row["reject_reason"], row["reject_reasons"]) == (
        "non_positive_amount_for_status",
        ["non_positive_amount_for_status"],
    )

    for name in ("customers", "service_events"):
        columns = duckdb.sql(f"from read_parquet('{home.root}/lake/clean/{name}/**/*.parquet')").columns
        assert not {"email", "user_id"} & set(columns) and {"email_key", "user_key"} & set(columns)
    for path in (home.root / "lake" / "clean").rglob("*.parquet"):
        assert b"shop.example" not in path.read_bytes()
        assert duckdb.sql(f"select distinct compression from parquet_metadata('{path}')").fetchall() == [
            ("ZSTD",)
        ]

    folder = home.root / "lake" / "clean" / "orders"
    # pandas is kept out of dbt's process, which is this one.
    code = "import sys, pandas; frame = pandas.read_parquet(sys.argv[1]); print(len(frame), *frame.columns)"
    said = subprocess.run([sys.executable, "-c", code, folder], stdout=subprocess.PIPE, text=True, check=True)
    row_count, *columns = said.stdout.split()
    assert row_count == "2" and "ingest_date" in columns
    frame = polars.read_parquet(folder, hive_partitioning=True)
    assert frame.schema["amount"] == polars.Decimal(18, 4) and frame.height == 2


def test_only_changed_partitions_are_written_and_empty_ones_removed(home: DataHome) -> None:
    _deliver(home)
    home.build()
    lake = home.root / "lake"
    before = inodes(lake)
    home.build()
    assert inodes(lake) == before

    home.write(
        "orders/ingest_date=2026-01-02/a.csv", orders(order("new", day="2026-01-02")), modified=1_800_000_000
    )
    home.build()
    after = inodes(lake)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed == {
        ".sluice.json",
        "clean/orders/ingest_date=2026-01-02/data.parquet",
        "quarantine/orders/ingest_date=2026-01-02/data.parquet",
        "metrics/daily_metrics/ingest_date=2026-01-02/orders.parquet",
        "metrics/daily_order_totals/ingest_date=2026-01-02/data.parquet",
        "metrics/hourly_events/event_date=2026-01-02/orders.parquet",
    }
    assert not (lake / "quarantine/orders/ingest_date=2026-01-02").exists()

    heal = lake_tables(home)
    for path in (lake / ".sluice.json", lake / "clean/orders/ingest_date=2026-01-01/data.parquet"):
        path.unlink()
    (lake / "clean/orders/ingest_date=1999-01-01").mkdir()
    (lake / "clean/orders/ingest_date=1999-01-01/data.parquet").write_bytes(b"left over")
    home.build()
    assert lake_tables(home) == heal
    assert not (lake / "clean/orders/ingest_date=1999-01-01").exists()


def test_rows_that_only_came_get_files_of_their_own(home: DataHome) -> None:
    """Also records that leave quarantine: those that waited have a file, and what is released comes beside the others."""
    _deliver(home)
    home.write(
        "orders/ingest_date=2026-01-01/late.csv",
        orders(order("late", customer="c9"), order("bad", customer="c9", amount=-5)),
    )
    home.build()
    lake = home.root / "lake"
    day = "ingest_date=2026-01-01"
    assert (lake / f"quarantine/orders/{day}/data-waiting.parquet").exists()
    before = inodes(lake)
    home.write("customers/ingest_date=2026-01-02/late.csv", customers("c9"))
    home.build()
    after = inodes(lake)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    (clean,) = (path for path in changed if path.startswith(f"clean/orders/{day}/data-"))
    assert {path for path in changed if "order" in path} == {
        clean,
        clean.replace("clean", "quarantine"),
        f"quarantine/orders/{day}/data-waiting.parquet",
        f"metrics/daily_metrics/{day}/orders.parquet",
        f"metrics/daily_order_totals/{day}/data.parquet",
        "metrics/hourly_events/event_date=2026-01-01/orders.parquet",
    }
    assert not (lake / f"quarantine/orders/{day}/data-waiting.parquet").exists()
    by_difference = lake_tables(home)

    home.write("customers/ingest_date=2026-01-02/late.csv", customers("c8"), modified=1_800_000_060)
    home.build()
    assert set(inodes(lake / "clean/orders" / day)) == {"data.parquet"}, "rows left: one file again"
    assert set(inodes(lake / "quarantine/orders" / day)) == {"data.parquet", "data-waiting.parquet"}
    home.write("customers/ingest_date=2026-01-02/late.csv", customers("c9"), modified=1_800_000_120)
    home.build()
    assert lake_tables(home) == by_difference
    home.build("--full-refresh")
    assert lake_tables(home) == by_difference


@pytest.mark.parametrize(
    "unfinished",
    [(), ("--select", "+customers")],
    ids=["unpublished", "killed before the entities"],
)
def test_customers_that_come_and_go_between_two_publications(
    home: DataHome, unfinished: tuple[str, ...]
) -> None:
    """The next build takes in what several builds did that published nothing, or ended before."""
    _deliver(home)
    bad = order("bad", customer="c9", amount=-5)
    home.write("orders/ingest_date=2026-01-01/late.csv", orders(order("late", customer="c9"), bad))
    late = "customers/ingest_date=2026-01-02/late.csv"
    names = iter(range(1_800_000_000, 1_900_000_000))
    compared = ("orders", "product_events", "quarantine", "quarantine_summary", "daily_metrics")

    def outcome(*between: str) -> tuple:
        *unpublished, last = between
        for name in unpublished:
            home.write(late, customers(name), modified=next(names))
            home.dbt("run", *unfinished)
        home.write(late, customers(last), modified=next(names))
        home.build()
        everything, lake = home.everything(), lake_tables(home)
        return [everything[name] for name in compared], lake["clean/orders"], lake["quarantine/orders"]

    without, known = outcome("c8"), outcome("c9")
    assert without != known
    assert outcome("c8", "c9") == known
    assert outcome("c9", "c8") == without
    assert outcome("c9", "c8") == without
    assert outcome("c9", "c8", "c9") == known


def test_a_partition_has_few_files(home: DataHome) -> None:
    _deliver(home)
    home.build()
    folder = home.root / "lake/clean/orders/ingest_date=2026-01-01"
    counts = []
    for number in range(MAX_ADDED + 2):
        home.write(f"orders/ingest_date=2026-01-01/more{number}.csv", orders(order(f"more{number}")))
        home.build()
        counts.append(len(inodes(folder)))
    assert counts == [*range(2, MAX_ADDED + 2), 1, 2]
    assert {row[0] for row in lake_tables(home)["clean/orders"]} >= {
        f"omore{n}" for n in range(MAX_ADDED + 2)
    }


def _write(folder: Path, partition: str, text: str, name: str = "data_0") -> None:
    (folder / partition).mkdir(parents=True, exist_ok=True)
    (folder / partition / f"{name}.parquet").write_text(text)


def _read(table: Path) -> dict[str, str]:
    return {path.relative_to(table).as_posix(): path.read_text() for path in table.rglob("*.parquet")}


def test_a_partition_changes_in_one_step(tmp_path: Path) -> None:
    table, base, added, waiting = (tmp_path / name for name in ("table", "base", "added", "waiting"))
    _write(base, "d=1", "one")
    _write(base, "d=2", "two")
    assert change_partitions(table, "a", {"": base}, None) == 2 and not base.exists()
    (table / "d=2" / "b.parquet").write_text("of another feed")
    _write(base, "d=1", "another one")
    assert change_partitions(table, "a", {"": base}, ["d=1", "d=2", "d=3"]) == 2
    assert _read(table) == {"d=1/a.parquet": "another one", "d=2/b.parquet": "of another feed"}

    _write(added, "d=1", "more")
    _write(waiting, "d=1", "perhaps")
    parts = {"": base, "-7": added, "-waiting": waiting}
    assert change_partitions(table, "a", parts, [], ["d=1"]) == 1
    assert _read(table / "d=1") == {
        "a.parquet": "another one",
        "a-7.parquet": "more",
        "a-waiting.parquet": "perhaps",
    }
    _write(added, "d=1", "even more")
    assert change_partitions(table, "a", parts, [], ["d=1", "d=2"]) == 1
    assert _read(table / "d=1") == {"a.parquet": "another one", "a-7.parquet": "even more"}, (
        "nothing waits any more"
    )

    _write(base, "d=1", "all")
    (table / "d=1" / "b.parquet").write_text("of another feed")
    assert change_partitions(table, "a", {"": base, "-waiting": waiting}, ["d=1"]) == 1
    assert _read(table / "d=1") == {"a.parquet": "all", "b.parquet": "of another feed"}
    _write(added, "d=1", "more")
    change_partitions(table, "a", {"": base, "-7": added}, [], ["d=1"])
    (table / "d=1" / "b.parquet").unlink()
    assert change_partitions(table, "a", {"": base}, None) == 1 and not (table / "d=1").exists()
    assert _read(table) == {"d=2/b.parquet": "of another feed"}

    _write(base, "d=1", "x")
    _write(base, "d=1", "y", name="data_1")
    with pytest.raises(ValueError, match="written in 2 files"):
        change_partitions(table, "a", {"": base}, None)


def test_partitions_grow_only_where_folders_can_be_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are rewritten elsewhere, and a lake that was brought there changes file by file."""
    table, staging, base, added = (tmp_path / name for name in ("table", "staging", "base", "added"))
    _write(base, "d=1", "one")
    change_partitions(table, "a", {"": base}, None)
    assert (
        growing_partitions(table, "a", staging) == ["d=1"] and growing_partitions(table, "b", staging) == []
    )
    _write(added, "d=1", "more")
    change_partitions(table, "a", {"": base, "-1": added}, [], ["d=1"])

    def refuse(one: Path, other: Path) -> None:
        raise OSError("not here")

    monkeypatch.setattr(durable, "exchange", refuse)
    files._can_swap.cache_clear()
    assert growing_partitions(table, "a", staging) == []
    files._can_swap.cache_clear()
    _write(base, "d=1", "all")
    assert change_partitions(table, "a", {"": base}, ["d=1"]) == 1
    assert _read(table) == {"d=1/a.parquet": "all"}


def test_a_state_that_cannot_be_read_means_that_nothing_is_known(tmp_path: Path) -> None:
    nothing = {"warehouse_id": "", "batches": {}, "files": {}}
    assert read_state(tmp_path) == nothing
    state = {"warehouse_id": "w", "batches": {"orders": "change 3"}, "files": {"a.parquet": "1.2"}}
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    write_state(tmp_path, {"warehouse_id": "w", "batches": {"orders": 3}})  # of an earlier version
    assert read_state(tmp_path) == nothing
    (tmp_path / ".sluice.json").write_text("[")
    assert read_state(tmp_path) == nothing


def test_a_text_that_is_there_already_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "a.json"
    assert replace_text(path, "one") and not replace_text(path, "one") and replace_text(path, "two")
    assert [entry.name for entry in path.parent.iterdir()] == ["a.json"] and path.read_text() == "two"

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

from sluice.lake.files import read_state, replace_partitions, replace_text, write_state

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
    row = dict(zip(rejected.columns, rejected.fetchone(), strict=True))
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


def test_replacing_is_one_rename_per_partition(tmp_path: Path) -> None:
    table, written = tmp_path / "table", tmp_path / "written"

    def write(partition: str, text: str) -> None:
        (written / partition).mkdir(parents=True)
        (written / partition / "data_0.parquet").write_text(text)

    write("d=1", "one")
    write("d=2", "two")
    assert replace_partitions(written, table, "a", None) == 2 and not written.exists()
    write("d=1", "another one")
    (table / "d=2" / "b.parquet").write_text("of another feed")
    assert replace_partitions(written, table, "a", ["d=1", "d=2", "d=3"]) == 2
    assert {path.relative_to(table).as_posix(): path.read_text() for path in table.rglob("*.parquet")} == {
        "d=1/a.parquet": "another one", "d=2/b.parquet": "of another feed"
    }  # fmt: skip
    write("d=1", "x")
    (written / "d=1" / "data_1.parquet").write_text("y")
    with pytest.raises(ValueError, match="written in 2 files"):
        replace_partitions(written, table, "a", None)


def test_a_state_that_cannot_be_read_means_that_nothing_is_known(tmp_path: Path) -> None:
    nothing = {"warehouse_id": "", "batches": {}}
    assert read_state(tmp_path) == nothing
    write_state(tmp_path, {"warehouse_id": "w", "batches": {"orders": 3}})
    assert read_state(tmp_path) == {"warehouse_id": "w", "batches": {"orders": 3}}
    (tmp_path / ".sluice.json").write_text("[")
    assert read_state(tmp_path) == nothing


def test_a_text_that_is_there_already_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "a.json"
    assert replace_text(path, "one") and not replace_text(path, "one") and replace_text(path, "two")
    assert [entry.name for entry in path.parent.iterdir()] == ["a.json"] and path.read_text() == "two"

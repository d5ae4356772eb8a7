"""A warehouse that another version of the project made: its tables are made anew where they are others now."""

from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from tests.pipeline.harness import DataHome
from tests.shop.deliveries import customers, event, events, order, orders
from tests.shop.outputs import lake_tables, reports

from sluice.warehouse import STORAGE_VERSION

pytestmark = pytest.mark.slow  # several builds

DAYS = ("2026-01-01", "2026-01-02")
OTHER_FEEDS = {
    "service_events": "event_id,service,event_type,timestamp,latency_ms\ne1,cart,get,{day}T10:00:00Z,5\n",
    "tenant_events": "event_id,tenant_id,source,event_type,timestamp,payload\n"
    't1,acme,web,click,{day}T10:00:00Z,"{{""amount"": 5}}"\n',
    "transactions": "id,description,amount,timestamp,merchant,operation_type,side\n"
    "b1,Lunch,5,{day}T10:00:00Z,Cafe,card,debit\n",
}


def _deliver(home: DataHome) -> None:
    home.write(f"customers/ingest_date={DAYS[0]}/a.csv", customers("c1", "c2"))
    for day in DAYS:
        home.write(
            f"orders/ingest_date={day}/a.csv",
            orders(order(day, day=day), order(f"{day}late", "c9", day), order(f"{day}bad", "c9", day, -1)),
        )
        home.write(
            f"product_events/ingest_date={day}/a.csv",
            events(event(day, day=day), event(f"{day}late", "c9", day), event("twice", day=day)),
        )
        for feed, text in OTHER_FEEDS.items():
            home.write(f"{feed}/ingest_date={day}/a.csv", text.format(day=day))


def _deliver_late(home: DataHome) -> None:
    home.write(f"customers/ingest_date={DAYS[1]}/late.csv", customers("c9"), modified=1_800_000_000)
    home.write(f"orders/ingest_date={DAYS[1]}/b.csv", orders(order("new", "c9", DAYS[1])), 1_800_000_000)


def _everything(home: DataHome) -> dict[str, object]:
    return {**home.everything(), **lake_tables(home), **reports(home)}


@pytest.fixture
def expected(home: DataHome) -> dict[str, object]:
    """What one clean build makes of all files. The home is empty afterwards."""
    _deliver(home)
    _deliver_late(home)
    home.build()
    found = _everything(home)
    home.clear()
    return found


def test_tables_that_lack_columns_are_made_anew(home: DataHome, expected: dict[str, object]) -> None:
    _deliver(home)
    home.build()
    older = {
        node.name: list(node.columns)
        for node in home.manifest.nodes.values()
        if node.config.materialized == "rollup"
    }
    assert older
    with home.opened() as warehouse:
        for name, columns in older.items():
            warehouse.execute(f'alter table {name} drop column "{columns[-1]}"')
            warehouse.execute(f"alter table {name} add column of_an_older_version integer")
    _deliver_late(home)
    home.build()
    found = _everything(home)
    assert {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)} == set()
    for name, columns in older.items():
        assert [row[0] for row in home.query(f"select column_name from (describe {name})")] == columns


def test_entities_of_several_models_become_one(home: DataHome, expected: dict[str, object]) -> None:
    """Until 0.1 an entity was a view over four models, which kept what is in `state` now."""
    _deliver(home)
    home.build()
    with home.opened() as warehouse:
        warehouse.execute("create table state.judged (feed varchar not null, load_id integer not null)")
        for feed in ("orders", "product_events"):
            warehouse.execute(f"create view int_{feed}_quarantined as select 1 as one")
            for kind in ("contested", "waiting"):
                warehouse.execute(f"create table int_{feed}_{kind} as select * from state.{kind}_{feed}")
                warehouse.execute(f"drop table state.{kind}_{feed}")
                warehouse.execute(f"insert into state.consumed values ('int_{feed}_{kind}', 'customers', 1)")
            warehouse.execute(f"delete from state.built where model = '{feed}'")
    _deliver_late(home)
    home.build()
    found = _everything(home)
    assert {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)} == set()
    left = "int_.*(contested|waiting|quarantined)|judged"
    assert (
        home.query(f"select table_name from duckdb_tables() where regexp_matches(table_name, '{left}')") == []
    )
    assert home.query(f"select view_name from duckdb_views() where regexp_matches(view_name, '{left}')") == []
    assert home.query(f"select model from state.consumed where regexp_matches(model, '{left}')") == []


def _in_storage_version(warehouse: Path, version: str) -> None:
    """Write a warehouse as a DuckDB of that version would have."""
    older = warehouse.with_name("older") / warehouse.name
    older.parent.mkdir()
    with closing(duckdb.connect()) as db:
        db.execute(
            f"attach '{warehouse}' as warehouse (read_only); attach '{older}' as older (storage_version '{version}')"
        )
        db.execute("copy from database warehouse to older")
    older.replace(warehouse)
    older.parent.rmdir()


def _storage_version(warehouse: Path) -> str:
    with closing(duckdb.connect(str(warehouse), read_only=True)) as db:
        return db.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'warehouse'"
        ).fetchall()[0][0]


def test_a_warehouse_of_an_older_duckdb_is_upgraded_in_place(
    home: DataHome, expected: dict[str, object], capfd: pytest.CaptureFixture[str]
) -> None:
    warehouse = home.root / "warehouse.duckdb"
    _deliver(home)
    home.build()
    assert _storage_version(warehouse) == f"{STORAGE_VERSION}+"
    before, runs = _everything(home), home.query("select run_id from state.runs")
    _in_storage_version(warehouse, "v1.5.0")
    assert _storage_version(warehouse) == "v1.5.0+"
    capfd.readouterr()
    home.build()
    assert "was in DuckDB's format v1.5.0, and is now in v2.0.0" in capfd.readouterr().err
    assert _storage_version(warehouse) == f"{STORAGE_VERSION}+"
    found = _everything(home)
    assert {name for name in before.keys() | found.keys() if before.get(name) != found.get(name)} == set()
    assert {*runs} < {*home.query("select run_id from state.runs")}
    _deliver_late(home)
    home.build()
    assert "DuckDB's format" not in capfd.readouterr().err
    found = _everything(home)
    assert {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)} == set()

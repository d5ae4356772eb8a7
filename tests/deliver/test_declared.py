"""What a model says of its publication, and what becomes of its columns."""

import duckdb
import pytest

from sluice.deliver.declared import Declared, declared_tables

TYPES = {
    "id": "VARCHAR",
    "user_id": "VARCHAR",
    "event_at": "TIMESTAMP",
    "minute": "TIMESTAMP",
    "ingest_date": "DATE",
    "amount": "DECIMAL(18,4)",
    "is_new": "BOOLEAN",
    "status": "SMALLINT",
    "rate": "DOUBLE",
    "reasons": "VARCHAR[]",
    "_load_id": "INTEGER",
}
VALUES = """
    select
      'a' as id, 'u' as user_id, timestamp '2026-01-02 03:04:05.6' as event_at, timestamp '2026-01-02 03:04:00' as minute,
      date '2026-01-02' as ingest_date, cast(1.1 as decimal(18, 4)) as amount, true as is_new, cast(200 as smallint) as status,
      0.5::double as rate, ['b', 'it''s'] as reasons, 1 as _load_id
"""
METAS = {"user_id": {"pii": True}, "minute": {"bucket": "minute"}}


def node(**publish: object) -> dict:
    return {
        "resource_type": "model",
        "unique_id": "model.sluice.m",
        "name": "m",
        "alias": "m",
        "config": {"materialized": "table", "meta": {"feed": "orders", "publish": publish}},
        "columns": {name: {"config": {"meta": meta}} for name, meta in METAS.items()},
    }


def test_columns_are_rendered_by_type_and_tag() -> None:
    [table] = declared_tables({"m": node(sluice={"key": ["id"]})})
    rendered = table.rendered(TYPES)
    assert [(column.name, column.kind) for column in rendered] == [
        ("id", "TEXT"),
        ("user_key", "TEXT"),
        ("event_at", "TEXT"),
        ("minute", "TEXT"),
        ("ingest_date", "TEXT"),
        ("amount", "REAL"),
        ("is_new", "INTEGER"),
        ("status", "INTEGER"),
        ("rate", "REAL"),
        ("reasons", "TEXT"),
    ]
    selected = ", ".join(column.value for column in rendered)
    with duckdb.connect() as warehouse:
        warehouse.execute("set variable pii_key = 'key'")
        [row] = warehouse.execute(f"select {selected} from ({VALUES})").fetchall()
        [(hashed,)] = warehouse.execute("select sha256('key' || chr(31) || 'u')").fetchall()
    assert row == (
        *("a", hashed, "2026-01-02T03:04:05.600000Z", "2026-01-02T03:04:00Z"),
        *("2026-01-02", 1.1, True, 200, 0.5, '["b","it\'s"]'),
    )
    assert isinstance(row[5], float)


def test_columns_can_be_named_left_out_and_computed() -> None:
    tables = declared_tables(
        {
            "m": node(
                sluice={
                    "columns": ["amount", "id"],
                    "values": {"amount": "case when status > 0 then amount end"},
                },
                operations={"table": "others", "without": ["id", "reasons"], "file_by": "user_id"},
            )
        }
    )
    first, second = tables
    assert [column.value for column in first.rendered(TYPES)] == [
        "cast(case when status > 0 then amount end as double)",
        "id",
    ]
    assert (first.database, first.table, second.table) == ("sluice", "m", "others")
    assert second.published_columns(TYPES) == list(TYPES)[2:9]


def test_a_type_that_sqlite_has_no_place_for_is_an_error() -> None:
    [table] = declared_tables({"m": node(sluice={})})
    with pytest.raises(ValueError, match=r"m.h has the type HUGEINT"):
        table.rendered({"h": "HUGEINT"})


@pytest.mark.parametrize(
    ("sends", "changed_by"),
    [
        ("changed_keys", {"id": "id"}),
        ("changed_groups", {"day": "date_trunc('day', at)"}),
        ({"day": "cast(at as date)"}, {"day": "cast(at as date)"}),
        ("changed_files", {}),
    ],
)
def test_what_tells_changed_rows(sends: object, changed_by: dict[str, str]) -> None:
    given = node(sluice={"key": ["id"], "sends": sends})
    given["config"]["meta"]["group_by"] = {"day": "date_trunc('day', at)"}
    [table] = declared_tables({"m": given})
    assert isinstance(table, Declared) and table.changed_by == changed_by

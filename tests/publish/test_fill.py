"""The rows of warehouse queries in the tables of a SQLite file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from sluice.deliver.sqlite.fill import FillError, fill


@pytest.fixture
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(duckdb.connect()) as warehouse:
        yield warehouse


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    path = tmp_path / "staging.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("create table kept (id text, n integer, x real, primary key (id)) without rowid")
        db.execute("create table other (id text, is_good integer)")
    return path


def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def test_rows_arrive_as_they_are(cursor: duckdb.DuckDBPyConnection, staging: Path) -> None:
    largest = 2**63 - 1
    fill(
        cursor,
        staging,
        [
            (
                "kept",
                f"select 'é' as id, {largest}::bigint as n, 0.1::double as x union all select 'b', null, null",
            ),
            ("other", "select 'nul' || chr(0) as id, true as is_good"),
            ("other", "select '' as id, false as is_good"),
            ("other", "select '' as id, false as is_good where false"),
        ],
    )
    assert _rows(staging, "select * from kept order by id") == [("b", None, None), ("é", largest, 0.1)]
    assert _rows(staging, "select *, typeof(is_good) from other order by rowid") == [
        ("nul\0", 1, "integer"),
        ("", 0, "integer"),
    ]


def test_columns_go_by_name(cursor: duckdb.DuckDBPyConnection, staging: Path) -> None:
    fill(cursor, staging, [("kept", "select 1.5::double as x, 2 as n, 'a' as id")])
    assert _rows(staging, "select id, n, x from kept") == [("a", 2, 1.5)]


def test_many_rows_arrive_in_the_order_of_the_query(cursor: duckdb.DuckDBPyConnection, staging: Path) -> None:
    cursor.execute("set preserve_insertion_order = false")
    fill(
        cursor,
        staging,
        [("other", "select i::varchar as id, true as is_good from range(300_000) r(i) order by i desc")],
    )
    assert _rows(staging, "select count(*), max(rowid + id), min(rowid + id) from other") == [
        (300_000, 300_000, 300_000)
    ]


def test_a_query_sees_temporary_tables_and_the_open_transaction(
    cursor: duckdb.DuckDBPyConnection, staging: Path
) -> None:
    def queries() -> Iterator[tuple[str, str]]:
        for number in (1, 2):
            cursor.execute(f"create or replace temp table changed as select '{number}' as id")
            yield "other", "select id, true as is_good from changed"

    cursor.execute("begin")
    fill(cursor, staging, queries())
    cursor.execute("rollback")
    assert _rows(staging, "select id from other") == [("1",), ("2",)]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("select 'a' as id, 1.5::decimal(5, 2) as n", "decimal"),
        ("select 'a' as id, [1] as n", "list"),
        ("select 'a' as id, 1 as unknown", "unknown"),
        ("select 'secret' as id from range(2)", "UNIQUE"),
        (
            "select i::varchar as id, if(i = 200_000, error('broke'), 1)::integer as n from range(300_000) r(i)",
            "broke",
        ),
    ],
    ids=["decimal", "list", "column", "key", "query"],
)
def test_a_failure_names_the_table(
    cursor: duckdb.DuckDBPyConnection, staging: Path, query: str, problem: str
) -> None:
    with pytest.raises(FillError, match=f"(?s)table kept of .*{problem}") as raised:
        fill(cursor, staging, [("kept", query)])
    assert "secret" not in str(raised.value)


def test_a_query_that_cannot_run_is_duckdbs_error(cursor: duckdb.DuckDBPyConnection, staging: Path) -> None:
    with pytest.raises(duckdb.CatalogException, match="absent"):
        fill(cursor, staging, [("kept", "select * from absent")])

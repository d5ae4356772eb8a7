"""Views over other rows than those of their tables."""

from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest

from sluice.deliver.pushdown import Views


@pytest.fixture
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(duckdb.connect()) as warehouse:
        warehouse.execute("""
            create table staged as select i as id, i % 3 as kind, 'it''s ' || i as text from range(9) as r(i);
            create table kinds as select i as kind, 'k' || i as name from range(3) as r(i);
            create view accepted as with staged as (select * from main.staged where id > 0) select * from staged;
            create view named as
            select accepted.id, kinds.name, upper(text) as text
            from main.accepted left join main.kinds as kinds on accepted.kind = kinds.kind;
            create view both_sides as
            select id from main.named union all select -n.id from main.named as n where n.id in (select id from main.staged);
            create view apart as select name from main.kinds;
        """)
        yield warehouse


def rows(cursor: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return sorted(cursor.execute(query).fetchall())


def test_rows_are_replaced_below_every_view(cursor: duckdb.DuckDBPyConnection) -> None:
    over = Views(cursor).over("both_sides", {"staged": "select * from main.staged where id in (4, 5)"})
    assert rows(cursor, over) == [(-5,), (-4,), (4,), (5,)]


def test_a_view_between_can_be_replaced_too(cursor: duckdb.DuckDBPyConnection) -> None:
    over = Views(cursor).over("named", {"accepted": "select 7 as id, 1 as kind, 'x' as text"})
    assert rows(cursor, over) == [(7, "k1", "X")]


def test_names_of_queries_within_a_view_are_none_of_tables(cursor: duckdb.DuckDBPyConnection) -> None:
    over = Views(cursor).over("accepted", {"staged": "select 5 as id, 0 as kind, 'y' as text"})
    assert rows(cursor, over) == [(5, 0, "y")]


def test_what_reads_nothing_replaced_stays(cursor: duckdb.DuckDBPyConnection) -> None:
    views = Views(cursor)
    assert views.over("apart", {"staged": "select 1"}) == "select * from apart"
    assert views.over("staged", {"staged": "select 1"}) == "select 1"


@pytest.mark.parametrize("condition", ["id in (select 4)", "id in (select 4) or id = 5", "false"])
def test_staged_rows_are_those_that_meet_the_condition(
    cursor: duckdb.DuckDBPyConnection, condition: str
) -> None:
    found = rows(cursor, Views(cursor).staged_rows("staged", condition))
    assert found == rows(cursor, f"select * from staged where {condition}")


def test_a_query_that_is_none_is_an_error(cursor: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="syntax"):
        Views(cursor).over("named", {"staged": "select from where"})

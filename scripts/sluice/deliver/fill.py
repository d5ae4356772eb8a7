"""Send what the warehouse's queries give into the tables of a SQLite file."""

from collections.abc import Iterable
from pathlib import Path

import duckdb


def fill(cursor: duckdb.DuckDBPyConnection, path: Path, queries: Iterable[tuple[str, str]]) -> None:
    """Append the rows of queries to tables of a SQLite file that nobody else reads yet.

    A query is asked for when its turn comes, so queries may be a generator that makes temporary tables on the way.

    Args:
        cursor: an open connection to the warehouse, outside any transaction: one can change only one database.
        path: the file; its tables exist, and have the columns of the queries, in order.
        queries: pairs of table and query, in order.
    Raises: duckdb.Error.
    """
    cursor.execute(f"attach '{path}' as staging (type sqlite)")
    try:
        for table, query in queries:
            cursor.execute(f'insert into staging."{table}" {query}')
    finally:
        cursor.execute("detach staging")

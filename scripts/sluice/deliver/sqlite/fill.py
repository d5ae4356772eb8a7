"""Send what the warehouse's queries give into the tables of a SQLite file, as streams of Arrow batches."""

from collections.abc import Iterable
from pathlib import Path

import adbc_driver_sqlite
import duckdb
from adbc_driver_manager import (
    INGEST_OPTION_MODE,
    INGEST_OPTION_MODE_APPEND,
    INGEST_OPTION_TARGET_TABLE,
    AdbcConnection,
    AdbcStatement,
)
from adbc_driver_manager import Error as AdbcError


class FillError(Exception):
    """Rows could not be written; the message says into which table of which file, and why."""


def fill(cursor: duckdb.DuckDBPyConnection, path: Path, queries: Iterable[tuple[str, str]]) -> None:
    """Append the rows of queries to tables of a SQLite file that nobody else reads yet.

    A query is asked for and runs when its turn comes (queries may be a generator that makes temporary tables on the
    way), and sees the cursor's temporary tables and its open transaction. A table takes columns by name: text, whole
    numbers, doubles, booleans. A decimal, a list or a 128-bit sum has to be cast before. Nothing is synced to the
    disk, and a file that was half filled is of no use: make another one.

    Args:
        cursor: an open connection to the warehouse.
        path: the file; its tables exist.
        queries: pairs of table and query, in order.
    Raises:
        FillError: a row does not fit its table, or a query failed while its rows were read.
        duckdb.Error: a query cannot be run at all.
    """
    with adbc_driver_sqlite.connect(str(path)) as database, AdbcConnection(database) as staging:
        for pragma in ("journal_mode", "synchronous"):
            with AdbcStatement(staging) as statement:
                statement.set_sql_query(f"pragma {pragma} = off")
                statement.execute_update()
        for table, query in queries:
            with AdbcStatement(staging) as statement:
                statement.set_options(
                    **{INGEST_OPTION_TARGET_TABLE: table, INGEST_OPTION_MODE: INGEST_OPTION_MODE_APPEND}
                )
                statement.bind_stream(cursor.sql(query))
                try:
                    statement.execute_update()
                except AdbcError as problem:
                    raise FillError(f"table {table} of {path} could not be filled: {problem}") from problem

"""Shared by the tests of the landing reader."""

from collections.abc import Iterator

import duckdb
import pytest


@pytest.fixture(scope="session")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """One DuckDB in memory for the whole run."""
    with duckdb.connect() as connection:
        yield connection

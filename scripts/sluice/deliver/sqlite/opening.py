"""Opening published SQLite files, and what their tables look like."""

import sqlite3
from pathlib import Path

BUSY_TIMEOUT_SECONDS = 60


def connect(path: Path) -> sqlite3.Connection:
    """A connection that begins and ends its transactions itself, and waits for other writers."""
    uri = path.absolute().as_uri()
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS)


def columns_of(db: sqlite3.Connection, schema: str, table: str) -> list[tuple[str, str]]:
    """The columns of a table, as pairs of name and type; none where there is no such table."""
    return [(row[1], row[2]) for row in db.execute(f'pragma {schema}.table_info("{table}")')]

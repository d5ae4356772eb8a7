"""Text to instant outside the build, by the very macro that parses the feeds."""

import datetime as dt
import functools
import re
import threading

import duckdb

from sluice.cleaning import expression, project_vars, trimmed

_CANONICAL = re.compile(
    r"(19[0-9]\d|20\d\d)-\d\d-\d\d[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?Z?", re.ASCII
)
"""The shape Sluice itself writes; recognised here because starting the macro's statement costs milliseconds."""
_lock = threading.Lock()


@functools.cache
def _days() -> tuple[str, str]:
    """The first and the last day that an instant may have."""
    first, last = project_vars().get("timestamp_range") or ("1900-01-01", "2099-12-31")
    return str(first), str(last)


@functools.cache
def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    instant = expression("parse_timestamp", "text_received")
    connection.execute(
        f"prepare parse as select {instant} from (select cast($1 as varchar) as text_received)"
    )
    return connection


@functools.lru_cache(maxsize=4096)
def parse_timestamp(text: str) -> dt.datetime | None:
    """The instant (UTC, microseconds) a text stands for in any accepted form, or None.

    03/04/2026 is read by the var slash_date_order; two-digit years, whose order nothing tells, are none.
    """
    text = trimmed(text)
    if not text or "\0" in text:
        return None
    if _CANONICAL.fullmatch(text):
        first, last = _days()
        if not first <= text[:10] <= last:
            return None
        try:
            return dt.datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=dt.UTC)
        except ValueError:
            return None
    return parse_with_macro(text)


def parse_with_macro(text: str) -> dt.datetime | None:
    """The macro's own verdict on a trimmed text."""
    literal = text.replace("'", "''")
    with _lock:
        row = _connection().execute(f"execute parse('{literal}')").fetchone()
    return row[0].replace(tzinfo=dt.UTC) if row and row[0] else None

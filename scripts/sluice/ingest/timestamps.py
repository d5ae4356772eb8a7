"""Which of these texts are no timestamps? Common shapes are answered here, others by the build's own macro.

The fast path takes `YYYY-MM-DD[T ]HH:MM:SS[.f…][Z|±HH:MM]` and epoch numbers well inside the accepted
years. It leaves every doubtful text to the macro `parse_timestamp`, asked once for a whole request; a
property test holds the two together.
"""

import functools
import re
import threading
from collections.abc import Iterable
from datetime import date

import duckdb

from sluice.timestamps import render_macro

_COMMON = re.compile(
    r"((?:198[1-9]|199[0-9]|20[0-8][0-9]|209[0-8])-(?:0[1-9]|1[0-2])-[0-3][0-9])"
    r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])?"
    r"|[4-9][0-9]{8}|1[0-9]{9}|1[0-9]{12}|1[0-9]{15}|1[0-9]{18}"
)
_DAYS_KEPT = 20_000
_days: set[str | None] = {None}
_lock = threading.Lock()


def is_common(text: str) -> bool:
    """True for a valid timestamp of a common shape; False says nothing."""
    common = _COMMON.fullmatch(text)
    return common is not None and (common[1] in _days or _is_day(common[1]))


def refused(texts: Iterable[str]) -> frozenset[str]:
    """Those of the trimmed texts from which the build would read no instant."""
    asked = {text for text in texts if not is_common(text)}
    askable = [text for text in asked if "\0" not in text]
    if askable:
        with _lock:
            # A prepared statement takes no list as its parameter: the texts are literals, and quotes are
            # doubled.
            literals = ", ".join("'" + text.replace("'", "''") + "'" for text in askable)
            rows = _macro().execute(f"execute instants([{literals}])").fetchall()
        asked.difference_update(row[0] for row in rows)
    return frozenset(asked)


def _is_day(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    if len(_days) < _DAYS_KEPT:
        _days.add(day)
    return True


@functools.cache
def _macro() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    asked = "select unnest(cast($1 as varchar[])) as text_received"
    instant = render_macro("text_received")
    connection.execute(
        f"prepare instants as select text_received from ({asked}) where ({instant}) is not null"
    )
    return connection

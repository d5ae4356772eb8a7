"""What do these texts mean as timestamps? Common shapes are answered here, others by the build's own macros.

The fast path takes `YYYY-MM-DD[T ]HH:MM:SS[.f…][Z|±HH:MM]` and epoch numbers well inside the accepted
years. It leaves every doubtful text to the macros, asked once for a whole request; a property test holds
the two together.
"""

import functools
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import duckdb

from sluice.cleaning import expression

_PLACE = "tenant_events.timestamp"
_COMMON = re.compile(
    r"((?:19(?:0[1-9]|[1-9][0-9])|20[0-8][0-9]|209[0-8])-(?:0[1-9]|1[0-2])-[0-3][0-9])"
    r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])?"
    r"|[4-9][0-9]{8}|1[0-9]{9}|1[0-9]{12}|1[0-9]{15}|1[0-9]{18}"
)
_DAYS_KEPT = 20_000
_days: set[str | None] = {None}
_lock = threading.Lock()


@dataclass(frozen=True)
class Judged:
    """What the macros say of texts."""

    invalid: frozenset[str] = frozenset()
    ambiguous: frozenset[str] = frozenset()
    """Those that lack nothing but the order of day, month and year."""
    written_out: Mapping[str, str] = field(default_factory=dict)
    """Those that would read otherwise in a file that tells another order, as ISO instants."""


def is_common(text: str) -> bool:
    """True for a valid timestamp of a common shape; False says nothing."""
    common = _COMMON.fullmatch(text)
    return common is not None and (common[1] in _days or _is_day(common[1])) and _has_usual_options()


def judge(texts: Iterable[str]) -> Judged:
    """Judges trimmed texts as the build would, if a file held each alone."""
    asked = {text for text in texts if not is_common(text)}
    askable = [text for text in asked if "\0" not in text]
    if not asked:
        return Judged()
    rows = []
    if askable:
        with _lock:
            # A prepared statement takes no list as its parameter: the texts are literals, and quotes are
            # doubled.
            literals = ", ".join("'" + text.replace("'", "''") + "'" for text in askable)
            rows = _macros().execute(f"execute judged([{literals}])").fetchall()
    ambiguous = frozenset(text for text, _, is_ambiguous, _ in rows if is_ambiguous)
    read = {text for text, instant, _, _ in rows if instant is not None}
    return Judged(
        frozenset(asked - read - ambiguous),
        ambiguous,
        {
            text: instant.isoformat(timespec="microseconds") + "Z"
            for text, instant, _, forms in rows
            if instant and forms
        },
    )


def _is_day(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    if len(_days) < _DAYS_KEPT:
        _days.add(day)
    return True


@functools.cache
def _has_usual_options() -> bool:
    """True where the source's options read the common shapes as everybody does."""
    options = expression("timestamp_options", _PLACE)
    in_range = options["first"] <= "1901-01-01" and options["last"] >= "2098-12-31"
    return in_range and not options["time_zone"] and not options["formats"]


@functools.cache
def _macros() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    columns = [
        expression("parse_timestamp", "text_received", _PLACE),
        expression("is_ambiguous_timestamp", "text_received", _PLACE),
        expression("value_forms", instants=[("text_received", _PLACE)]),
    ]
    asked = "select unnest(cast($1 as varchar[])) as text_received, cast(null as varchar) as _date_order"
    connection.execute(f"prepare judged as select text_received, {', '.join(columns)} from ({asked})")
    return connection

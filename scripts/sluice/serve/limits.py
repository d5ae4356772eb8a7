"""What one visitor may ask of the read side: numbers, and the sentences that name them."""

import os

MEGABYTE = 1024 * 1024
MAX_VALUE_BYTES = 16 * MEGABYTE
"""The largest value that SQL may read or build."""
MEMORY_BYTES = 512 * MEGABYTE
"""What a page process may hold, its own 150 MB included."""
TEMPORARY_BYTES = 256 * MEGABYTE
"""What a sort may write to a temporary file."""
ANSWER_BYTES = 8 * MEGABYTE
"""The largest page, JSON or CSV of a query. The complete CSV of a table is sent as it is read, and has no limit."""
WAITING_BYTES = 128 * MEGABYTE
"""What answers may hold together while their clients take them."""
BODY_BYTES, BODY_SECONDS = 16 * 1024, 10.0
"""The largest body (a sign-in form), and how long it may take."""
GRACE_SECONDS = 0.5
"""What a query may take beyond its time before its process is killed: SQLite stops between two steps, and a
step can last as long as it likes."""
QUEUE_SECONDS, QUEUE_LENGTH = 15.0, 64
"""How long, and behind how many others, a request waits for a page process."""
DOWNLOAD_SECONDS = 600.0
"""How long one complete CSV may take: it keeps the published file's log from being folded in."""


def sql_limit_ms() -> int:
    """The time one query of a visitor may take: SLUICE_SQL_TIME_LIMIT_MS, else two seconds."""
    return int(os.environ.get("SLUICE_SQL_TIME_LIMIT_MS") or 2000)


def page_seconds() -> float:
    """The time one page may take with all its queries."""
    return 3 * sql_limit_ms() / 1000 + 4


def too_slow(milliseconds: float | None = None) -> str:
    """What somebody is told whose query took too long."""
    return (
        f"the query took longer than {milliseconds or sql_limit_ms():g} ms, which is the limit; ask for fewer"
        " rows, filter by an indexed column, or take the table's .csv"
    )


TOO_LARGE = (
    f"the answer is larger than {ANSWER_BYTES // MEGABYTE} MB, which is the limit; ask for fewer rows (_size) or"
    " columns (_col), or take the table's .csv"
)
TOO_MUCH_MEMORY = (
    f"the query or its answer needs more than {MEMORY_BYTES // MEGABYTE} MB of memory, which is the limit; ask for"
    " fewer rows or shorter values"
)
TOO_LONG = (
    "this page took longer than {seconds:g} s to make, which is the limit; ask for fewer rows or columns"
)
TOO_BUSY = "too many requests like this one are being answered; try again in a few seconds"

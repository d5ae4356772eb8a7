"""CSV rows of the feed tenant_events: RFC 4180 quoting, the contract's column order, one line per event.

A segment's row of an event with fields that the feed does not know has one field more, an object of them as JSON that
begins with a NUL, which no other field can hold. In the landing file they have columns.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping

from sluice.further_columns import FurtherColumns

COLUMNS = ("event_id", "tenant_id", "source", "event_type", "timestamp", "schema_version", "payload")
"""The columns of a landing file, in the contract's order."""

HEADER = (",".join(COLUMNS) + "\n").encode()
"""The first line of a landing file."""

_SPECIAL = re.compile(r'[",\r\n]')
_MARK = "\0"
_MARK_BYTE = b"\0"
csv.field_size_limit(1 << 24)


def encode_row(
    event_id: str,
    tenant_id: str,
    source: str,
    event_type: str,
    timestamp: str,
    schema_version: int,
    payload: str,
) -> str:
    """One line with its line end. Short fields are quoted where they must be, a payload always."""
    if _SPECIAL.search(f"{event_id}{source}{event_type}{timestamp}"):
        event_id, source, event_type, timestamp = map(_quoted, (event_id, source, event_type, timestamp))
    body = '"' + payload.replace('"', '""') + '"' if payload else ""
    return f"{event_id},{tenant_id},{source},{event_type},{timestamp},{schema_version},{body}\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


def encode_wide_row(row: str, more: Mapping[str, str]) -> str:
    """A row as a segment keeps it, with fields that the feed does not know."""
    return f"{row[:-1]},{_quoted(_MARK + json.dumps(more))}\n"


def file_chunks(rows: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of the landing file that these rows of a segment become, its header first."""
    chunks = list(rows)
    if any(_MARK_BYTE in chunk for chunk in chunks):
        yield _widened(b"".join(chunks).decode())
        return
    yield HEADER
    yield from chunks


def _widened(text: str) -> bytes:
    further = FurtherColumns(len(COLUMNS))
    rows = []
    for row in csv.reader(io.StringIO(text, newline="")):
        fields = row[: len(COLUMNS)]
        if len(row) > len(COLUMNS):
            placed = further.place(json.loads(row[-1].removeprefix(_MARK)))
            fields += [placed.get(slot, "") for slot in range(len(COLUMNS), max(placed, default=0) + 1)]
        rows.append(fields)
    width = len(COLUMNS) + len(further.names)
    lines = [",".join(map(_field, (*COLUMNS, *further.names))) + "\n"]
    lines += [",".join(map(_field, row)) + "," * (width - len(row)) + "\n" for row in rows]
    return "".join(lines).encode()


def _field(text: str) -> str:
    is_plain = text == text.strip() and not text.startswith("{") and not _SPECIAL.search(text)
    return text if is_plain else '"' + text.replace('"', '""') + '"'

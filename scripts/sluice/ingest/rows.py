"""CSV rows of the feed tenant_events: RFC 4180 quoting, the contract's column order, one line per event."""

import re

COLUMNS = ("event_id", "tenant_id", "source", "event_type", "timestamp", "schema_version", "payload")
"""The columns of a landing file, in the contract's order."""

HEADER = (",".join(COLUMNS) + "\n").encode()
"""The first line of a landing file."""

_SPECIAL = re.compile(r'[",\r\n]')


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

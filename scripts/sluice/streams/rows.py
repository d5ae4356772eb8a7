"""Messages to the bytes of a landing file: the feed's columns, then provenance, then whatever else the
events carry.

Nothing is judged here. A value is text as the producer wrote it; a message that is no JSON object (or no
CSV record of the feed's width) keeps its bytes in `_undecodable_base64`.
"""

import base64
import csv
import io
import json
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import msgspec

from sluice.streams.feeds import Feed
from sluice.streams.names import Place, Position, position_text

PROVENANCE = (
    "_topic", "_partition", "_offset", "_key", "_headers", "_broker_timestamp", "_undecodable_base64",
)  # fmt: skip
UNDECODABLE = PROVENANCE[-1]
_MOST_EXTRA = 100
_PLAIN = {str, int, type(None)}
"""Types that the CSV writer writes as they were sent; numbers with a fraction are decoded as their text."""
_OVERFLOW = "more_fields"
_ANY_OBJECT = msgspec.json.Decoder(dict[str, Any], float_hook=str)
_AS_SENT = msgspec.json.Decoder(dict[str, msgspec.Raw])

Headers = Iterable[tuple[str, bytes | str | None]]


class Message(NamedTuple):
    """A message as both brokers give it; the timestamp is the broker's, in milliseconds."""

    position: Position
    value: bytes | None
    key: bytes | str | None
    headers: Headers | None
    timestamp: int


def _text(value: bytes | str | None) -> str:
    """A key or header value: text where it is UTF-8, marked base64 where not."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return "base64:" + base64.b64encode(value).decode()
    return value or ""


def _headers_text(headers: Headers) -> str:
    """Headers as a JSON list of [name, value]: names may repeat, and their order counts."""
    return json.dumps([[name, _text(value)] for name, value in headers], ensure_ascii=False)


class Encoder:
    """Encodes batches of one feed."""

    def __init__(self, feed: Feed, value_format: str) -> None:
        self._columns = feed.columns
        self._names = {column.lower(): index for index, column in enumerate(feed.columns)}
        self._names |= {alias: self._names[column.lower()] for alias, column in feed.aliases.items()}
        self._is_csv = value_format == "csv"
        self._width = len(feed.columns) + len(PROVENANCE)
        names = {f"field_{index}": column for index, column in enumerate(feed.columns)}
        record = msgspec.defstruct(
            "Record", [(field, Any, None) for field in names], rename=names, forbid_unknown_fields=True
        )
        self._record = msgspec.json.Decoder(record, float_hook=str)

    def encode(self, place: Place, messages: Iterable[Message]) -> tuple[bytes, int]:
        """The file's bytes and how many of its messages could not be decoded."""
        fields = len(self._columns)
        columns = _Columns(self._names, fields, self._width)
        blank: Iterable[object] = [""] * fields
        decode, as_tuple = self._record.decode, msgspec.structs.astuple
        topic, partition = place.topic, str(place.partition)
        rows: list[list[object]] = []
        undecodable = 0
        for position, value, key, headers, timestamp in messages:
            more: dict[int, str] | None = None
            undecoded = ""
            try:
                if self._is_csv:
                    head: Iterable[object] = _csv_fields(value or b"", fields)
                else:
                    try:
                        head = as_tuple(decode(value or b""))
                        is_plain = _PLAIN.issuperset(map(type, head))
                    except msgspec.ValidationError:
                        is_plain = False
                    if not is_plain:
                        head, more = _any_json_fields(value or b"", columns)
            except (ValueError, msgspec.MsgspecError, RecursionError):
                undecodable += 1
                head, undecoded = blank, base64.b64encode(value or b"").decode()
            row = [
                *head,
                topic,
                partition,
                position[0] if len(position) == 1 else position_text(position),
                _text(key) if key else "",
                _headers_text(headers) if headers else "",
                timestamp,
                undecoded,
            ]
            if more:
                row.extend([""] * (max(more) + 1 - len(row)))
                for slot, text in more.items():
                    row[slot] = text
            rows.append(row)
        width = self._width + len(columns.extra)
        if columns.extra:
            for row in rows:
                row.extend([""] * (width - len(row)))
        rows.insert(0, [*self._columns, *PROVENANCE, *columns.extra])
        text = _csv_text(rows, csv.QUOTE_MINIMAL)
        if "\r" in text:  # the writer does not quote a lone carriage return
            text = _csv_text(rows, csv.QUOTE_ALL)
        return text.encode(), undecodable


class _Columns:
    """The columns of one file: name → place in the row. Unknown names get columns of their own, up to a
    limit."""

    def __init__(self, names: dict[str, int], fields: int, width: int) -> None:
        self.fields = fields
        self._names = names
        self._width = width
        self._extra: dict[str, int] = {}
        self.extra: list[str] = []
        self.slots: dict[str, int] = {}

    def slot(self, name: str) -> int:
        """Where a field goes whose name was not seen yet; -1 when there are too many names."""
        plain = name.strip().lower()
        if plain in PROVENANCE:
            plain = name = f"message{plain}"
        slot = self._names.get(plain, self._extra.get(plain))
        if slot is None:
            if len(self._extra) >= _MOST_EXTRA:
                return -1
            slot = self._extra[plain] = self._width + len(self.extra)
            self.extra.append(name.strip() or "(empty)")
        self.slots[name] = slot
        return slot

    def overflow(self) -> int:
        """Where the fields go that found no column."""
        if len(self.extra) == _MOST_EXTRA:
            self.extra.append(_OVERFLOW)
        return self._width + _MOST_EXTRA


def _any_json_fields(value: bytes, columns: _Columns) -> tuple[list[object], dict[int, str]]:
    """The feed's fields of any JSON object, and slot → text of those it has beyond: unknown names, nested values
    as the bytes that were sent. Raises ValueError, MsgspecError or RecursionError for all else."""
    as_sent: dict[str, msgspec.Raw] | None = None
    head: list[object] = [""] * columns.fields
    more: dict[int, str] = {}
    rest: dict[str, str] = {}
    for name, item in _ANY_OBJECT.decode(value).items():
        if item is None:
            continue
        if isinstance(item, bool):
            text = "true" if item else "false"
        elif isinstance(item, str):
            text = item
        elif isinstance(item, dict | list):
            as_sent = as_sent or _AS_SENT.decode(value)
            text = bytes(as_sent[name]).decode()
        else:
            text = str(item)
        slot = columns.slots.get(name)
        if slot is None:
            slot = columns.slot(name)
        if slot < 0:
            rest[name] = text
        elif slot >= columns.fields:
            more.setdefault(slot, text)
        elif not head[slot]:
            head[slot] = text
    if rest:
        more[columns.overflow()] = json.dumps(rest, ensure_ascii=False)
    return head, more


def _csv_fields(value: bytes, width: int) -> list[object]:
    """The fields of a value that is one CSV record of the feed's columns. Raises ValueError for anything
    else."""
    text = value.decode().rstrip("\r\n")
    if '"' in text or "\n" in text or "\r" in text:
        try:
            records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            raise ValueError(str(error)) from None
        fields: list[object] = [*records[0]] if len(records) == 1 else []
    else:
        fields = [*text.split(",")]
    if len(fields) != width:
        raise ValueError(f"not one CSV record of {width} fields")
    return fields


def _csv_text(rows: list[list[object]], quoting: Literal[0, 1]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=quoting).writerows(rows)
    return text.getvalue()

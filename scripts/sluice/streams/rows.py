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
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgspec

from sluice.further_columns import PROVENANCE, TOMBSTONE, UNDECODABLE_BECAUSE, FurtherColumns, plain_name
from sluice.streams.feeds import Feed
from sluice.streams.names import Place, Position, position_text

_PLAIN = {str, int, type(None)}
"""Types that the CSV writer writes as they were sent; numbers with a fraction are decoded as their text."""
_ANY_OBJECT = msgspec.json.Decoder(dict[str, Any], float_hook=str)
_AS_SENT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NULL = msgspec.Raw(b"null")
_NAMES_KEPT = 1_000
_FRAME = 5
"""Bytes that a client of a schema registry puts before a value: 0, and the schema's id in four."""

Headers = Iterable[tuple[str, bytes | str | None]]


class Message(NamedTuple):
    """A message as both brokers give it; the timestamp is the broker's, in milliseconds."""

    position: Position
    value: bytes | None
    key: bytes | str | None
    headers: Headers | None
    timestamp: int


@dataclass
class Odd:
    """How many messages of a batch are no plain records."""

    undecodable: int = 0
    framed: int = 0
    """Of the undecodable: framed by a client of a schema registry."""
    tombstones: int = 0


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
        names = {plain_name(column): index for index, column in enumerate(feed.columns)}
        self._names = {plain_name(alias): names[plain_name(column)] for alias, column in feed.aliases.items()}
        self._names |= names
        self._is_csv = value_format == "csv"
        self._width = len(feed.columns) + len(PROVENANCE)
        self._slots: dict[str, int] = {}
        renamed = {f"field_{index}": column for index, column in enumerate(feed.columns)}
        record = msgspec.defstruct(
            "Record", [(field, Any, None) for field in renamed], rename=renamed, forbid_unknown_fields=True
        )
        self._record = msgspec.json.Decoder(record, float_hook=str)

    def encode(self, place: Place, messages: Iterable[Message]) -> tuple[bytes, Odd]:
        """The file's bytes, and how many of its messages are odd."""
        further = FurtherColumns(self._width)
        blank: Iterable[object] = [""] * len(self._columns)
        decode, as_tuple = self._record.decode, msgspec.structs.astuple
        topic, partition = place.topic, str(place.partition)
        rows: list[list[object]] = []
        odd = Odd()
        for position, value, key, headers, timestamp in messages:
            more: dict[int, str] | None = None
            undecoded = ""
            try:
                if value is None:
                    odd.tombstones += 1
                    head, more = blank, {further.note(TOMBSTONE): "true"}
                elif self._is_csv:
                    head = _csv_fields(value, len(self._columns))
                else:
                    try:
                        head = as_tuple(decode(value))
                        is_plain = _PLAIN.issuperset(map(type, head))
                    except msgspec.MsgspecError:
                        is_plain = False
                    if not is_plain:
                        head, more = self._any_object(_unframed(value), further)
            except (ValueError, msgspec.MsgspecError, RecursionError):
                odd.undecodable += 1
                head, undecoded = blank, base64.b64encode(value or b"").decode()
                if why := _framed_because(value or b""):
                    odd.framed += 1
                    more = {further.note(UNDECODABLE_BECAUSE): why}
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
        width = self._width + len(further.names)
        if further.names:
            for row in rows:
                row.extend([""] * (width - len(row)))
        rows.insert(0, [*self._columns, *PROVENANCE, *further.names])
        text = _csv_text(rows, csv.QUOTE_MINIMAL)
        if "\r" in text:  # the writer does not quote a lone carriage return
            text = _csv_text(rows, csv.QUOTE_ALL)
        return text.encode(), odd

    def _any_object(self, value: bytes, further: FurtherColumns) -> tuple[list[object], dict[int, str]]:
        """The feed's fields of any JSON object, and slot → text of those it has beyond: unknown names, nested values as
        the bytes that were sent. Raises ValueError, MsgspecError or RecursionError for all else."""
        as_sent: dict[str, msgspec.Raw] | None = None
        head: list[object] = [""] * len(self._columns)
        rest: dict[str, str] = {}
        try:
            fields = _ANY_OBJECT.decode(value)
        except msgspec.ValidationError:  # perhaps for a number that is too long for Python
            fields = as_sent = _AS_SENT.decode(value)
        for name, item in fields.items():
            if item is None or item == _NULL:
                continue
            if isinstance(item, bool):
                text = "true" if item else "false"
            elif isinstance(item, str):
                text = item
            elif isinstance(item, int):
                text = str(item)
            else:
                as_sent = as_sent or _AS_SENT.decode(value)
                text = _sent_text(as_sent[name])
            slot = self._slots.get(name)
            if slot is None:
                slot = self._slot(name)
            if slot < 0 or head[slot]:
                rest[name] = text
            else:
                head[slot] = text
        return head, further.place(rest) if rest else {}

    def _slot(self, name: str) -> int:
        """The feed's column of that name; -1 for a name that it does not know."""
        slot = self._names.get(plain_name(name), -1)
        if len(self._slots) < _NAMES_KEPT and len(name) < _NAMES_KEPT:
            self._slots[name] = slot
        return slot


def _sent_text(raw: msgspec.Raw) -> str:
    sent = bytes(raw)
    return str(msgspec.json.decode(sent)) if sent[:1] == b'"' else sent.decode()


def _unframed(value: bytes) -> bytes:
    """The JSON of a value that a client of a schema registry has framed; any other as it is."""
    is_framed = value[:1] == b"\0" and value[_FRAME:].lstrip()[:1] == b"{"
    return value[_FRAME:] if is_framed else value


def _framed_because(value: bytes) -> str:
    """What to say of a framed value that cannot be decoded; nothing of one that is not framed."""
    if value[:1] != b"\0" or len(value) <= _FRAME:
        return ""
    schema = int.from_bytes(value[1:_FRAME], "big")
    if value[_FRAME:].lstrip()[:1] in (b"{", b"["):
        return f"framed by a schema registry's client (schema {schema}), but not a JSON object"
    return f"framed by a schema registry's client (schema {schema}): Avro or Protobuf, which are not read; send JSON"


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

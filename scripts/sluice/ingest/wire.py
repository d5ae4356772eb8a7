"""From the bytes of a request to its raw events: JSON syntax and the outer shape, nothing else.

A payload stays the text that was sent (numbers of any length keep every digit); it is checked to be JSON,
but not parsed into objects. One pass decodes a well-formed request; only a request with an event of the
wrong shape is decoded again, event by event, so that the others are kept.
"""

import re
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw, Struct

from sluice.ingest.settings import MAX_BULK_EVENTS

_NULL = Raw(b"null")


class WireEvent(Struct, forbid_unknown_fields=True, gc=False):
    """An event as it arrived: any JSON value in any field; absent is null."""

    event_id: Any = None
    tenant_id: Any = None
    source: Any = None
    event_type: Any = None
    timestamp: Any = None
    schema_version: Any = None
    payload: Raw = _NULL


class _Bulk(Struct, forbid_unknown_fields=True):
    events: list[WireEvent]


class _LooseBulk(Struct, forbid_unknown_fields=True):
    events: list[Raw]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one event is refused: the reason word, the field it is about, and a sentence for a person."""

    reason: str
    field: str | None
    message: str


class MalformedError(ValueError):
    """The body is not JSON (400)."""


class ShapeError(ValueError):
    """The body is JSON, but not the object this endpoint takes (422)."""


class TooManyEventsError(ValueError):
    """More events than one bulk request may hold (413)."""


_event = msgspec.json.Decoder(WireEvent)
_bulk = msgspec.json.Decoder(_Bulk)
_loose_bulk = msgspec.json.Decoder(_LooseBulk)

_AT = re.compile(r" - at `\$\.(\w+)")
_UNKNOWN = re.compile(r"unknown field `(.*)`", re.DOTALL)


def decode_event(body: bytes) -> WireEvent | Fault:
    """The event of `POST /events`."""
    _check_encoding(body)
    try:
        return _decode_one(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedError(_explain(error)) from None


def decode_bulk(body: bytes) -> list[WireEvent | Fault]:
    """The events of `POST /events/bulk`, those of the wrong shape as faults in their places."""
    _check_encoding(body)
    events: list[WireEvent | Fault]
    try:
        try:
            events = list(_bulk.decode(body).events)
        except msgspec.ValidationError:
            raws = _loose_bulk.decode(body).events
            _check_count(len(raws))
            events = [_decode_one(raw) for raw in raws]
    except msgspec.ValidationError as error:
        raise ShapeError(f'expected {{"events": [...]}}: {_explain(error)}') from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedError(_explain(error)) from None
    _check_count(len(events))
    return events


def _decode_one(text: bytes | Raw) -> WireEvent | Fault:
    try:
        return _event.decode(text)
    except msgspec.ValidationError as error:
        return _fault(str(error))


def _fault(message: str) -> Fault:
    if unknown := _UNKNOWN.search(message):
        field = unknown[1][:200]
        return Fault("unknown_field", field, f"no field {field} in an event; put extra data into payload")
    if at := _AT.search(message):
        return Fault(f"invalid_{at[1]}", at[1], message.partition(" - at ")[0].lower())
    return Fault("not_an_object", None, "an event is a JSON object")


def _check_count(count: int) -> None:
    if count > MAX_BULK_EVENTS:
        raise TooManyEventsError(f"{count} events in one request; send at most {MAX_BULK_EVENTS}")
    if not count:
        raise ShapeError(f"events: send 1 to {MAX_BULK_EVENTS} of them")


def _check_encoding(body: bytes) -> None:
    """The decoder does not look inside a payload's strings, so the whole body is checked to be UTF-8."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise MalformedError(f"not UTF-8 (byte {error.start})") from None


def _explain(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    text = str(error).removeprefix("JSON is malformed: ")
    return "the body is empty or ends too early" if text == "Input data was truncated" else text

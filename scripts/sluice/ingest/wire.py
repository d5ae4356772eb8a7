"""From the bytes of a request to its raw events: JSON syntax and the outer shape, nothing else.

A payload stays the text that was sent (numbers of any length keep every digit); it is checked to be JSON,
but not parsed into objects. One pass decodes a request whose events are all of the usual shape. Any other is
decoded event by event, so that whatever is wrong with one of them, or odd about it, is about that one alone.
"""

import operator

import msgspec
from msgspec import Raw, Struct

from sluice.ingest.odd import QUOTED, has_each_name_once, odd_event, spelt_out, without_place
from sluice.ingest.settings import MAX_BULK_EVENTS
from sluice.ingest.shapes import (
    FIELDS,
    NO_PAYLOAD,
    Fault,
    MalformedError,
    Number,
    ShapeError,
    TooManyEventsError,
    WireEvent,
)
from sluice.ingest.split import is_json, split_events

_BOM = b"\xef\xbb\xbf"


class _Bulk(Struct, forbid_unknown_fields=True):
    events: list[WireEvent]


class _LooseBulk(Struct, forbid_unknown_fields=True):
    events: list[Raw]


_bulk = msgspec.json.Decoder(_Bulk, float_hook=Number)
_loose_bulk = msgspec.json.Decoder(_LooseBulk)
_event = msgspec.json.Decoder(WireEvent, float_hook=Number)


def decode_event(body: bytes) -> WireEvent | Fault:
    """The event of `POST /events`. Raises MalformedError."""
    body = body.removeprefix(_BOM)
    event = _decode_one(body)
    if isinstance(event, Fault):
        _check_is_json(body)
    return event


def decode_bulk(body: bytes) -> list[WireEvent | Fault]:
    """The events of `POST /events/bulk`, those that cannot be decoded as faults in their places.

    Raises MalformedError, ShapeError, TooManyEventsError.
    """
    body = body.removeprefix(_BOM)
    events = _all_at_once(body)
    return events if events is not None else [_decode_one(text) for text in _one_by_one(body)]


def _all_at_once(body: bytes) -> list[WireEvent | Fault] | None:
    """The events, where every one of them is of the usual shape."""
    if not _is_utf8(body):
        return None
    try:
        events = _bulk.decode(body).events
    except (msgspec.DecodeError, RecursionError):
        return None
    _check_count(len(events))
    return list(events) if _has_each_name_once(body, events) else None


def _has_each_name_once(body: bytes, events: list[WireEvent]) -> bool:
    """True where no field stands twice in one event: it is quoted once for each event that has it."""
    quoted = [body.count(name) for name in QUOTED.values()]
    absent = [list(map(operator.attrgetter(name), events)).count(None) for name in FIELDS[:-1]]
    absent.append(list(map(operator.attrgetter("payload"), events)).count(NO_PAYLOAD))
    present = [len(events) - count for count in absent]
    if all(map(operator.le, quoted, present)) and b"\\u00" not in body:
        return True
    payloads = b" ".join([bytes(event.payload) for event in events])
    quoted = [count - payloads.count(name) for count, name in zip(quoted, QUOTED.values(), strict=True)]
    return all(map(operator.le, quoted, present)) and spelt_out(body, payloads)


def _one_by_one(body: bytes) -> list[bytes]:
    """The text of each event."""
    try:
        texts = [bytes(raw) for raw in _loose_bulk.decode(body).events]
    except msgspec.ValidationError as error:
        _check_is_json(body)
        raise ShapeError(f'expected {{"events": [...]}}: {without_place(error)}') from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        split = split_events(body, MAX_BULK_EVENTS)
        if split is None:
            _check_is_json(body)
            raise ShapeError('expected {"events": [...]}') from None
        texts = split
    _check_count(len(texts))
    return texts


def _decode_one(text: bytes) -> WireEvent | Fault:
    if _is_utf8(text):
        try:
            event = _event.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return odd_event(text)
        if has_each_name_once(text, bytes(event.payload)):
            return event
    return odd_event(text)


def _check_count(count: int) -> None:
    if count > MAX_BULK_EVENTS:
        raise TooManyEventsError(f"{count} events in one request; send at most {MAX_BULK_EVENTS}")
    if not count:
        raise ShapeError(f"events: send 1 to {MAX_BULK_EVENTS} of them")


def _is_utf8(body: bytes) -> bool:
    """The decoder does not look inside a payload's strings, so this is asked for the whole."""
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_is_json(body: bytes) -> None:
    """Raises MalformedError with the reason where the whole body is not JSON."""
    if not body.strip():
        raise MalformedError("the body is empty")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8 (byte {error.start})") from None
    if not is_json(text):
        try:
            msgspec.json.decode(body, type=Raw)
        except (msgspec.DecodeError, RecursionError) as error:
            why = str(error).removeprefix("JSON is malformed: ")
            raise MalformedError(
                "the body ends too early" if why == "Input data was truncated" else why
            ) from None
        raise MalformedError("not JSON")

"""Events that are not of the usual shape, one at a time: with fields that the feed does not know, or refused.

A fault names the field it is about where one can be made out, and never another event.
"""

import json
import re
from typing import Any

import msgspec
from msgspec import Raw

from sluice.further_columns import plain_name
from sluice.ingest.shapes import FIELDS, Fault, Number, WiderEvent, WireEvent
from sluice.ingest.split import members

MAX_LEVELS = 500
"""How deep an event's values may be nested."""
MAX_MORE_BYTES = 65_536
"""What the fields that the feed does not know may take together, names and values."""
_LONGEST_SHOWN = 200

_object = msgspec.json.Decoder(dict[str, Raw])
_value = msgspec.json.Decoder(Any, float_hook=Number)
_BY_PLAIN_NAME = {plain_name(name): name for name in FIELDS}
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")
QUOTED = {name: f'"{name}"'.encode() for name in FIELDS}
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_BRACKET = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|([\[{])|[\]}]', re.DOTALL)


def odd_event(text: bytes) -> WireEvent | Fault:
    """The event that this text is, or what is wrong with it."""
    try:
        text.decode()
        fields = _object.decode(text)
    except UnicodeDecodeError as error:
        place = len(text[: error.start].decode("utf-8", "surrogateescape"))
        field = next((name for name, begins, ends in _spans(text) if begins <= place < ends), None)
        return Fault("invalid_encoding", field, f"{field or 'the event'} is not UTF-8")
    except msgspec.ValidationError:
        return Fault("not_an_object", None, "an event is a JSON object")
    except (msgspec.DecodeError, RecursionError):
        return _undecodable(text)
    repeated = _repeated(text, fields)
    if repeated is not None:
        return Fault("duplicate_field", repeated, f"{repeated} stands more than once in the event")
    return _put_together(fields)


def has_each_name_once(text: bytes, values: bytes) -> bool:
    """True where no field that the feed knows stands twice; `values` is the text of values among `text`."""
    once = all(text.count(name) - values.count(name) <= 1 for name in QUOTED.values())
    return once and spelt_out(text, values)


def spelt_out(text: bytes, values: bytes) -> bool:
    """True where no name has a letter as an escape (`\\u0061`)."""
    return b"\\u00" not in text or len(_ESCAPED_LETTER.findall(text)) == len(_ESCAPED_LETTER.findall(values))


def levels(text: bytes) -> int:
    """How deep a JSON value is nested."""
    if text.count(b"{") + text.count(b"[") <= MAX_LEVELS:
        return 0
    deepest = level = 0
    for match in _BRACKET.finditer(text):
        if match[0][:1] != b'"':
            level += 1 if match[1] else -1
            deepest = max(deepest, level)
    return deepest


def _put_together(fields: dict[str, Raw]) -> WireEvent | Fault:
    """The event of these fields; one that the feed does not know by that name is known by its letters and digits."""
    known: dict[str, Any] = {}
    more: dict[str, str] = {}
    for name, raw in fields.items():
        field = name if name in FIELDS else _BY_PLAIN_NAME.get(plain_name(name), "")
        if field and (field == name or field not in fields) and field not in known:
            if field == "payload":
                known[field] = raw
                continue
            try:
                known[field] = _value.decode(raw)
            except (msgspec.DecodeError, RecursionError):
                return Fault(f"invalid_{field}", field, f"{field} is a number or a list beyond all limits")
        elif bytes(raw) != b"null":
            more[name] = _text(raw)
    size = sum(len(name.encode()) + len(text.encode()) for name, text in more.items())
    if size > MAX_MORE_BYTES:
        return Fault(
            "extra_too_large",
            None,
            f"unknown fields may take {MAX_MORE_BYTES} bytes together; these are {size}",
        )
    return WiderEvent(**known, more=more) if more else WireEvent(**known)


def _text(raw: Raw) -> str:
    """A value as the brokers' messages land: text without its quotes, everything else as it was sent."""
    sent = bytes(raw)
    return str(_value.decode(raw)) if sent[:1] == b'"' else sent.decode()


def _repeated(text: bytes, fields: dict[str, Raw]) -> str | None:
    """A field of the feed that stands twice, if there is one."""
    values = b" ".join(map(bytes, fields.values()))
    if has_each_name_once(text, values):
        return None
    names = [name for name, _, _ in _spans(text) if name in FIELDS]
    return next((name for name in names if names.count(name) > 1), None)


def _undecodable(text: bytes) -> Fault:
    """The first field that no decoder takes, and why."""
    for name, begins, ends in _spans(text):
        value = text.decode("utf-8", "surrogateescape")[begins:ends].encode("utf-8", "surrogateescape")
        why = _why_undecodable(value)
        if why:
            reason = f"invalid_{name}" if name in FIELDS else "malformed_json"
            return Fault(reason, name[:_LONGEST_SHOWN], f"{name[:_LONGEST_SHOWN]} {why}")
    return Fault("malformed_json", None, "the event is not JSON")


def _why_undecodable(value: bytes) -> str | None:
    try:
        msgspec.json.decode(value, type=Raw)
    except RecursionError:
        return f"is nested deeper than {MAX_LEVELS} levels"
    except msgspec.DecodeError as error:
        if _SURROGATE.search(value):
            return "holds half of a surrogate pair (\\ud800 to \\udfff), which is no character"
        return f"is not JSON ({without_place(error)})"
    return None


def _spans(text: bytes) -> list[tuple[str, int, int]]:
    """Name, begin and end of each member of the event's text, in characters."""
    characters = text.decode("utf-8", "surrogateescape")
    start = len(characters) - len(characters.lstrip(" \t\r\n"))
    found = members(characters, start, len(characters)).spans
    return [(name, begins, ends) for quoted, begins, ends in found if (name := _unquoted(quoted)) is not None]


def _unquoted(name: str) -> str | None:
    """The name, where it is one that can be told."""
    try:
        told = json.loads(name)
        return told if isinstance(told, str) and told.encode() else None
    except ValueError:
        return None


def without_place(error: Exception) -> str:
    """What a decoder says is wrong, without the byte it says it of."""
    return re.sub(r" \(byte \d+\)$", "", str(error).removeprefix("JSON is malformed: "))

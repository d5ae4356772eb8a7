"""What an event must be: the pydantic model that judges each one and documents itself in the OpenAPI page.

The reasons are those of the feed's rules, so an event that is accepted here is not quarantined by the build.
`judge` takes a request's events and returns the accepted rows and the faults of the others.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

import duckdb
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from sluice.cleaning import null_words, trimmed
from sluice.ingest.odd import MAX_LEVELS, levels
from sluice.ingest.rows import encode_row, encode_wide_row
from sluice.ingest.shapes import Fault, Number, WiderEvent, WireEvent
from sluice.ingest.timestamps import Judged, is_common
from sluice.ingest.timestamps import judge as judge_timestamps
from sluice.tokens import TENANT_ID

FEED = "tenant_events"
MAX_PAYLOAD_BYTES = 65_536
MAX_TEXT_CHARACTERS = 8_192
MAX_TIMESTAMP_CHARACTERS = 1_000
MAX_SCHEMA_VERSION = 2_147_483_647

_NEWLINES = bytes.maketrans(b"\t\r\n", b"   ")


def _refuse(reason: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(cast(Any, reason), cast(Any, message))


def _value(text: str) -> str:
    """A key, instant or number, trimmed; empty where it is a null word."""
    text = trimmed(text)
    return "" if text.lower() in null_words(FEED) else text


def _text(name: str, clean: Callable[[str], str] = trimmed) -> Callable[[Any], str]:
    missing = _refuse(f"missing_{name}", f"{name} is missing")
    limits = f"a text without NUL of at most {MAX_TEXT_CHARACTERS} characters"
    wrong = _refuse(f"invalid_{name}", f"{name} must be {limits}")

    def check(value: Any) -> str:
        if isinstance(value, str) and not isinstance(value, Number):
            text = clean(value)
            if not text:
                raise missing
            if len(text) > MAX_TEXT_CHARACTERS or "\0" in text:
                raise wrong
            return text
        raise missing if value is None else wrong

    return check


def _tenant(value: Any) -> str | None:
    """None where the event names no tenant: the token does, then."""
    if value is None:
        return None
    if isinstance(value, str) and not isinstance(value, Number):
        text = _value(value)
        if not text:
            return None
        # Checked before it is folded: the Kelvin sign has k as its small letter.
        if text.isascii() and TENANT_ID.fullmatch(text.lower()):
            return text.lower()
    raise _refuse("invalid_tenant_id", "tenant_id must be 1 to 64 of a-z, 0-9, _ and -")


def timestamp_text(value: Any) -> str | None:
    """The trimmed text of a timestamp; of a JSON number the digits that were sent. None where it is neither."""
    if isinstance(value, str):
        return _value(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _timestamp(value: Any, info: ValidationInfo) -> str:
    """Refuses what the context names: a request's timestamps are judged together (`judged_timestamps`)."""
    text = timestamp_text(value)
    judged: Judged = info.context or Judged()
    is_sound = text and len(text) <= MAX_TIMESTAMP_CHARACTERS
    if text and is_sound and text not in judged.invalid and text not in judged.ambiguous:
        return judged.written_out.get(text, text)
    if value is None or text == "":
        raise _refuse("missing_timestamp", "timestamp is missing")
    if text in judged.ambiguous:
        raise _refuse(
            "ambiguous_timestamp",
            "nothing tells the order of day, month and year; write the year with four digits",
        )
    raise _refuse("invalid_timestamp", "timestamp has no accepted format, or lies outside the accepted years")


def judged_timestamps(events: Iterable[WireEvent | Fault]) -> Judged:
    """What the events' timestamps mean."""
    values = (event.timestamp for event in events if isinstance(event, WireEvent))
    texts = {timestamp_text(value) for value in values if not (isinstance(value, str) and is_common(value))}
    return _judged({text for text in texts if text and len(text) <= MAX_TIMESTAMP_CHARACTERS})


def _judged(texts: set[str]) -> Judged:
    """A text that the database stumbles over is invalid; it costs no other one."""
    if not texts:
        return Judged()
    try:
        return judge_timestamps(texts)
    except duckdb.Error:
        if len(texts) == 1:
            return Judged(invalid=frozenset(texts))
        one_by_one = [_judged({text}) for text in texts]
        return Judged(
            invalid=frozenset().union(*(one.invalid for one in one_by_one)),
            ambiguous=frozenset().union(*(one.ambiguous for one in one_by_one)),
            written_out={raw: text for one in one_by_one for raw, text in one.written_out.items()},
        )


def _schema_version(value: Any) -> int:
    if value is None:
        return 1
    if isinstance(value, str):
        digits = _value(value)
        if not digits:
            return 1
        whole = digits.isascii() and digits.isdigit() and len(digits) < 11
        value = int(digits) if whole else _whole(digits) if isinstance(value, Number) else 0
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SCHEMA_VERSION:
        return value
    raise _refuse("invalid_schema_version", "schema_version must be a positive integer")


def _whole(digits: str) -> int:
    """The whole number that a JSON number is, as 3 for 3.0; 0 where it is none, or a large one."""
    number = float(digits)
    return int(number) if number.is_integer() and number <= MAX_SCHEMA_VERSION else 0


def _payload(value: Any) -> str:
    """The object's text as it was sent, on one line; empty where there is none."""
    raw = bytes(value)
    if raw[:1] != b"{":
        if raw == b"null":
            return ""
        raise _refuse("invalid_payload", "payload must be a JSON object")
    if len(raw) > MAX_PAYLOAD_BYTES:
        raise _refuse("payload_too_large", f"payload must be at most {MAX_PAYLOAD_BYTES} bytes")
    if levels(raw) > MAX_LEVELS:
        raise _refuse("invalid_payload", f"payload is nested deeper than {MAX_LEVELS} levels")
    return raw.translate(_NEWLINES).decode()


def _shown(**schema: Any) -> Any:
    def show(shown: dict[str, Any]) -> None:
        shown.clear()
        shown.update(schema)

    return Field(json_schema_extra=show)


_SHORT = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT_CHARACTERS, "pattern": r"[^\s\u0000]"}


class Event(BaseModel):
    """One event of one tenant. Unknown fields are kept as they are, beside the event, in `_extra`."""

    model_config = ConfigDict(
        from_attributes=True, title="Event", json_schema_extra={"additionalProperties": True}
    )

    event_id: Annotated[str, BeforeValidator(_text("event_id", _value))] = _shown(
        **_SHORT, description="Unique within the tenant: sending it again is harmless.", examples=["e1"]
    )
    tenant_id: Annotated[str | None, BeforeValidator(_tenant)] = _shown(
        type="string",
        pattern="^[a-z0-9_-]{1,64}$",
        description="Taken from a tenant's token where it is left out.",
        examples=["acme"],
    )
    source: Annotated[str, BeforeValidator(_text("source"))] = _shown(**_SHORT, examples=["web"])
    event_type: Annotated[str, BeforeValidator(_text("event_type"))] = _shown(**_SHORT, examples=["click"])
    timestamp: Annotated[str, BeforeValidator(_timestamp)] = _shown(
        type=["string", "number"],
        description="ISO 8601 (no zone means UTC), epoch s to ns, DD/MM/YYYY, RFC 2822, log format and others.",
        examples=["2026-01-15T10:30:00Z"],
    )
    schema_version: Annotated[int, BeforeValidator(_schema_version)] = _shown(
        type="integer", minimum=1, maximum=MAX_SCHEMA_VERSION, default=1, examples=[1]
    )
    payload: Annotated[str, BeforeValidator(_payload)] = _shown(
        type="object",
        additionalProperties=True,
        description=f"Any object, at most {MAX_PAYLOAD_BYTES} bytes; kept digit by digit as it was sent.",
        examples=[{"amount": "12.50"}],
    )


REQUIRED = ("event_id", "source", "event_type", "timestamp")
"""What an event cannot do without (tenant_id comes from the token)."""


def needs_macro(events: Iterable[WireEvent | Fault]) -> bool:
    """True when judging these asks the database, which takes milliseconds."""
    texts = (timestamp_text(event.timestamp) for event in events if isinstance(event, WireEvent))
    return any(text and not is_common(text) for text in texts)


def names_another_tenant(events: Iterable[WireEvent | Fault], own: str) -> bool:
    """True where an event, good or bad, names a tenant that is not the token's."""
    named = {
        event.tenant_id
        for event in events
        if isinstance(event, WireEvent) and isinstance(event.tenant_id, str) and event.tenant_id != own
    }
    for name in named:
        try:
            if _tenant(name) not in (own, None):
                return True
        except PydanticCustomError:
            continue
    return False


@dataclass(slots=True)
class Verdict:
    """A request's events, judged."""

    rows: list[str] = field(default_factory=list)
    tenants: dict[str, int] = field(default_factory=dict)
    """How many accepted events each tenant has."""
    rejected: list[tuple[int, list[Fault]]] = field(default_factory=list)


_validate = Event.__pydantic_validator__.validate_python
_MISSING_TENANT = Fault("missing_tenant_id", "tenant_id", "tenant_id is missing, and the token names none")


def judge(events: Sequence[WireEvent | Fault], token_tenant: str | None) -> Verdict:
    """Judge each event; one without a tenant belongs to the token's."""
    timestamps = judged_timestamps(events)
    verdict = Verdict()
    rows, tenants = verdict.rows, verdict.tenants
    for index, wire in enumerate(events):
        if isinstance(wire, Fault):
            verdict.rejected.append((index, [wire]))
            continue
        try:
            event = _validate(wire, context=timestamps)
        except ValidationError as error:
            verdict.rejected.append((index, _faults(error)))
            continue
        tenant = event.tenant_id or token_tenant
        if tenant is None:
            verdict.rejected.append((index, [_MISSING_TENANT]))
            continue
        tenants[tenant] = tenants.get(tenant, 0) + 1
        row = encode_row(
            event.event_id,
            tenant,
            event.source,
            event.event_type,
            event.timestamp,
            event.schema_version,
            event.payload,
        )
        rows.append(encode_wide_row(row, wire.more) if isinstance(wire, WiderEvent) else row)
    return verdict


def _faults(error: ValidationError) -> list[Fault]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [Fault(fault["type"], str(fault["loc"][0]), fault["msg"]) for fault in found]

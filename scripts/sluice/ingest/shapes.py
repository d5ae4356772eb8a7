"""What a decoded event is before anybody has judged it, and the ways in which a request can be refused."""

from dataclasses import dataclass
from typing import Any

from msgspec import Raw, Struct

NO_PAYLOAD = Raw(b"null")


class Number(str):
    """A JSON number with a fraction or an exponent, as it was sent."""

    __slots__ = ()


class WireEvent(Struct, forbid_unknown_fields=True, gc=False):
    """An event as it arrived: any JSON value in any field; absent is null."""

    event_id: Any = None
    tenant_id: Any = None
    source: Any = None
    event_type: Any = None
    timestamp: Any = None
    schema_version: Any = None
    payload: Raw = NO_PAYLOAD


FIELDS = WireEvent.__struct_fields__


class WiderEvent(WireEvent, gc=False):
    """An event with fields that the feed does not know, as name → text. Put together, never decoded as such."""

    more: dict[str, str] = {}


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

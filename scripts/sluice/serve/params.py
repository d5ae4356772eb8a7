"""Query parameters of the API: each read once, each error naming the parameter."""

import base64
import binascii
import datetime as dt
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from sluice.serve.errors import ApiError
from sluice.timestamps import parse_timestamp
from sluice.tokens import TENANT_ID

SPACE_BEFORE_OFFSET = re.compile(r" (?=\d{2}(:?\d{2})?\Z)")


def parse_instant(text: str) -> dt.datetime | None:
    """A timestamp as the feeds take it; the `+` of an offset may have arrived as a space."""
    instant = parse_timestamp(text)
    if instant is None:
        with_plus = SPACE_BEFORE_OFFSET.sub("+", text.rstrip())
        instant = parse_timestamp(with_plus) if with_plus != text else None
    return instant


class Params:
    """The query string of one request, checked against the names a route knows."""

    def __init__(self, args: Any, known: Iterable[str]) -> None:
        self._args = args
        names = sorted(known)
        for name in args:
            if name not in names:
                raise ApiError(400, f"{name[:80]}: unknown parameter; known are {', '.join(names)}")
            if len(args.getlist(name)) > 1:
                raise ApiError(400, f"{name}: given more than once")
            if not args[name].strip():
                raise ApiError(400, f"{name}: is empty")

    def __contains__(self, name: str) -> bool:
        return name in self._args

    def folded(self, name: str) -> str | None:
        """A value that is stored trimmed and in lower case."""
        value = self._args.get(name)
        return None if value is None else value.strip().lower()

    def tenant_id(self, name: str = "tenant_id") -> str | None:
        """A tenant id, which never reaches anything before it has this shape."""
        value = self._args.get(name)
        if value is not None and not TENANT_ID.fullmatch(value):
            raise ApiError(400, f"{name}: must be 1 to 64 of a-z, 0-9, '_' and '-'")
        return value

    def choice(self, name: str, options: Sequence[str]) -> str:
        """One of the options; the first is the default."""
        value = self._args.get(name, options[0])
        if value not in options:
            raise ApiError(400, f"{name}: must be one of {', '.join(options)}")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number between two bounds."""
        value = self._args.get(name)
        if value is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise ApiError(400, f"{name}: must be a whole number from {low} to {high}")
        return int(value)

    def instant(self, name: str) -> dt.datetime | None:
        """An instant in any timestamp format of the feeds."""
        value = self._args.get(name)
        if value is None:
            return None
        instant = parse_instant(value) if len(value) <= 100 else None
        if instant is None:
            raise ApiError(400, f"{name}: {value[:60]!r} is not a timestamp; try 2026-01-15T10:30:00Z")
        return instant

    def span(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        """The parameters `from` and `to`."""
        since, until = self.instant("from"), self.instant("to")
        if since and until and since > until:
            raise ApiError(400, "from: is later than to")
        return since, until

    def position(self, kind: str, length: int, name: str = "next") -> tuple[str, ...] | None:
        """The place a `next` token stands for; one of another route or bucket size is an error."""
        value = self._args.get(name)
        if value is None:
            return None
        try:
            padded = value.encode("ascii") + b"=" * (-len(value) % 4)
            found_kind, *place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (ValueError, TypeError, binascii.Error, RecursionError):
            found_kind, place = None, []
        if found_kind != kind or len(place) != length or not all(isinstance(part, str) for part in place):
            raise ApiError(400, f"{name}: is not a token that this query gave")
        return tuple(place)


def next_token(kind: str, place: Sequence[str]) -> str:
    """The token that continues after this place, whatever arrives meanwhile."""
    text = json.dumps([kind, *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

"""Whose records are to be forgotten, and whether a field or a text is theirs."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sluice.landing.feed import FeedFormat
from sluice.landing.fields import INVISIBLE

SEPARATORS = re.compile(r'[,;\t|"\r\n]')
"""Where the raw text of a faulty record is cut into what may be fields. As in the macro forgotten_condition."""


@dataclass(frozen=True)
class Place:
    """A place inside a payload: names of nested objects; `part`: first_word or other_words of the text there, or None."""

    names: tuple[str, ...]
    part: str | None = None


UNDECODABLE = "_undecodable_base64"
"""The column in which streams keep messages that they could not decode."""


class _Pairs(list):
    """A JSON object as it was written: a name may stand in it twice."""


@dataclass(frozen=True)
class Person:
    """Whose records: those whose column holds the value, trimmed (and folded, if the column's text is folded).

    `places`: the column is a JSON payload, and one of these places in it holds the value.
    """

    feed: FeedFormat
    column: str
    value: str
    fold: str | None = None
    places: tuple[Place, ...] = ()

    def is_meant(self, field: str) -> bool:
        """Whether a field is the person's."""
        return any(map(self._is_value, self._texts(field) if self.places else (field,)))

    def is_in_fault(self, text: str) -> bool:
        """Whether the raw text of a faulty record holds the value as a field."""
        return any(map(self._is_value, SEPARATORS.split(text)))

    def is_in_message(self, encoded: str) -> bool:
        """Whether a message of a stream that could not be decoded, kept as base64, holds the value as a field."""
        try:
            return self.is_in_fault(base64.b64decode(encoded).decode("utf-8", "backslashreplace"))
        except ValueError:
            return self.is_in_fault(encoded)

    def may_be_in(self, data: bytes) -> bool:
        """Whether text can hold the value at all; a quick look before a slow one. JSON may write any letter as an escape."""
        return self.is_written_in(data) or bool(self.places and b"\\" in data)

    def is_written_in(self, data: bytes) -> bool:
        """Whether text holds the value, letter by letter."""
        value = self._clean(self.value).replace('"', '""').encode()
        return value in (self._folded(data) if self.fold else data)

    def _is_value(self, text: str) -> bool:
        return self._clean(text) == self._clean(self.value)

    def _clean(self, text: str) -> str:
        text = text.strip(INVISIBLE)
        return text.lower() if self.fold == "lower" else text.upper() if self.fold == "upper" else text

    def _folded(self, data: bytes) -> bytes:
        text = data.decode("utf-8", "surrogateescape")
        return (text.lower() if self.fold == "lower" else text.upper()).encode("utf-8", "surrogateescape")

    def _texts(self, payload: str) -> Iterator[str]:
        """What stands at the places of a payload. Of one that is no JSON, whatever may be a field."""
        try:
            root = json.loads(
                payload, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str
            )
        except (ValueError, RecursionError):
            yield from SEPARATORS.split(payload)
            return
        for place in self.places:
            yield from _at(root, place.names, place.part)


def _at(node: Any, names: tuple[str, ...], part: str | None) -> Iterator[str]:
    """The texts at a path below a node: of each of repeated names, and all texts of what is not of the expected shape."""
    if names and isinstance(node, _Pairs):
        for name, value in node:
            if name == names[0]:
                yield from _at(value, names[1:], part)
    elif isinstance(node, list):
        for item in node:
            yield from _at(item[1] if isinstance(node, _Pairs) else item, (), None)
    elif node is not None:
        yield _part(str(node).lower() if isinstance(node, bool) else str(node), None if names else part)


def _part(text: str, part: str | None) -> str:
    if part == "first_word":
        found = re.search(r"\S+", text)
        return found[0] if found else ""
    return re.sub(r"^\s*\S+", "", text) if part == "other_words" else text

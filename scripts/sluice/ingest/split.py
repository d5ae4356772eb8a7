"""Where the events of a bulk request end when its body is not JSON because of some of them.

Each event is taken up to where it ends as JSON. One that is not JSON ends where its brackets do; one whose brackets or
quotes are broken ends before the next event that is JSON again. What may be looked at more than once is limited.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEAD = re.compile(r'[ \t\r\n]*\{[ \t\r\n]*"events"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*')
_SPACE = re.compile(r"[ \t\r\n]*")
_NEXT = re.compile(r'[,}][ \t\r\n]*(\{[ \t\r\n]*")')
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+|"', re.DOTALL)
_BRACKETS = {"{": "}", "[": "]"}
_LOOKS = 2
"""Failed attempts may look at so many times the body's length in all."""


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


_strict = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_constant)
_lenient = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
"""Takes NaN and Infinity as well: an event that holds them ends where its brackets do."""


def split_events(body: bytes, most: int) -> list[bytes] | None:
    """The text of each event of `{"events": [...]}`, JSON or not; None where the body is not that.

    Args:
        body: the request's body, UTF-8 but for events that are not.
        most: the caller takes no more events than that; the list may end after one more.
    """
    text = body.decode("utf-8", "surrogateescape")
    head = _HEAD.match(text)
    rest = text.rstrip(" \t\r\n")
    close = rest[:-1].rstrip(" \t\r\n") if rest.endswith("}") else ""
    if head is None or not close.endswith("]") or len(close) - 1 < head.end():
        return None
    found = []
    for event in _Splitter(text, len(close) - 1).events(head.end()):
        found.append(event.encode("utf-8", "surrogateescape"))
        if len(found) > most:
            break
    return found


def is_json(text: str) -> bool:
    """True where all of it is one JSON value, however deep, whatever its escapes stand for."""
    try:
        _, end = _strict.raw_decode(text, _SPACE.match(text).end())  # type: ignore[union-attr]
    except RecursionError:
        return True
    except ValueError:
        return False
    return _SPACE.fullmatch(text, end) is not None


@dataclass
class _Splitter:
    text: str
    stop: int
    """Where the list's closing bracket stands."""

    def __post_init__(self) -> None:
        self._left = _LOOKS * len(self.text)

    def events(self, at: int) -> Iterator[str]:
        """Each event from the first, which begins at `at`, to the last."""
        while at < self.stop:
            end = at if self.text[at] == "," else self._end(at)
            yield self.text[at:end].rstrip(" \t\r\n")
            at = self._skip(end)
            if at < self.stop and self.text[at] == ",":
                at = self._skip(at + 1)
                if at == self.stop:
                    yield ""

    def _skip(self, at: int) -> int:
        return min(_SPACE.match(self.text, at).end(), self.stop)  # type: ignore[union-attr]

    def _end(self, start: int) -> int:
        """Where the event that begins at `start` ends."""
        _, end = self._json(start)
        if end is not None and self._is_followed(end):
            return end
        found = members(self.text, start, self.stop)
        self._left -= found.looked - start
        if found.end is not None and self._is_followed(found.end):
            return found.end
        for match in _NEXT.finditer(self.text, start + 1, self.stop):
            if self._left <= 0:
                break
            event, end = self._json(match.start(1), cost_if_deep=self.stop - match.start(1))
            if end is not None and isinstance(event, dict) and "event_id" in event and self._is_followed(end):
                return match.start() if self.text[match.start()] == "," else match.start() + 1
        return self.stop

    def _is_followed(self, end: int) -> bool:
        """True where another event may follow, or the list ends."""
        after = self._skip(end)
        return end <= self.stop and (after == self.stop or self.text[after] == ",")

    def _json(self, start: int, cost_if_deep: int = 0) -> tuple[object, int | None]:
        try:
            return _lenient.raw_decode(self.text, start)
        except RecursionError:
            self._left -= cost_if_deep
        except json.JSONDecodeError as error:
            self._left -= max(error.pos - start, 1)
        return None, None


@dataclass
class Members:
    """The shape of a value: where it ends (None: it has no shape) and, of an object, its members: name, begin, end."""

    end: int | None
    looked: int
    """How far the text was looked at."""
    spans: list[tuple[str, int, int]]


def members(text: str, start: int, stop: int) -> Members:
    """The shape of the value that begins at `start`, of any depth. Words and strings may be anything."""
    open_brackets: list[str] = []
    expects = "value"  # value | colon | comma, or where a list or an object may also end: value? | name?
    name, begins = "", start
    spans: list[tuple[str, int, int]] = []
    for match in _TOKEN.finditer(text, start, stop):
        token, first = match[0], match[0][0]
        if first in "}]":
            if not open_brackets or open_brackets[-1] != first or expects not in ("comma", "value?", "name?"):
                return Members(None, match.end(), [])
            if len(open_brackets) == 1 and first == "}" and expects == "comma":
                spans.append((name, begins, match.start()))
            open_brackets.pop()
            expects = "comma"
        elif expects == "comma":
            if first != "," or not open_brackets:
                return Members(None, match.end(), [])
            if len(open_brackets) == 1 and open_brackets[0] == "}":
                spans.append((name, begins, match.start()))
            expects = "name?" if open_brackets[-1] == "}" else "value?"
        elif expects == "colon":
            if first != ":":
                return Members(None, match.end(), [])
            expects = "value"
            if len(open_brackets) == 1:
                begins = match.end()
        elif token in ('"', ",", ":"):
            return Members(None, match.end(), [])
        elif expects == "name?":
            if first in "{[":
                return Members(None, match.end(), [])
            if len(open_brackets) == 1:
                name = token
            expects = "colon"
        elif first in _BRACKETS:
            open_brackets.append(_BRACKETS[first])
            expects = "name?" if first == "{" else "value?"
        else:
            expects = "comma"
        if not open_brackets and expects == "comma":
            return Members(match.end(), match.end(), spans)
    return Members(None, stop, [])

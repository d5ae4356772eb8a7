"""The names of a feed's columns: which lines are a header, and which column each field is."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import FeedFormat
from sluice.landing.fields import INVISIBLE, is_invisible

UNIT = re.compile(r"\([^()]*\)\s*$")
VALUE = re.compile(rb"(?!\s*+(?:19|20)\d\d\s*+\Z)(?:\s*+[-+(]?\d|[^@]+@)")
"""What no column is called, but a record's fields may well be: a number, a date, an address. A year may be a name."""


@dataclass(frozen=True)
class Header:
    """The columns from one header line on.

    `columns[i]` is the feed's column in field i or None, `extra[i]` the label of a field that is no column of the
    feed. `named`: fields up to the last one with a name; the fields after those may be missing from a record.
    """

    delimiter: str
    columns: tuple[str | None, ...]
    extra: tuple[str | None, ...]
    named: int

    @property
    def width(self) -> int:
        """How many fields a record may have."""
        return len(self.columns)


@lru_cache(1 << 14)
def letters(name: str) -> str:
    """A name as it is compared: its letters and digits, in one form and one case."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(char for char in text if char.isalnum() or unicodedata.category(char).startswith("M"))


class Names:
    """The names of one feed's columns; no header has fewer letters than `shortest`.

    `repeated`: headers found below the first, by their lines and the delimiter before.
    """

    def __init__(self, feed: FeedFormat) -> None:
        """Know the accepted names of each column; a name that two columns have is the first one's."""
        self._feed = feed
        self._known: dict[str, str] = {}
        own_first = [[column, column] for column in feed.columns]
        own_first += [[column, name] for column, names in feed.columns.items() for name in names]
        for column, name in own_first:
            self._known.setdefault(letters(name), column)
        words = {
            column: {_longest_word(name) for name in (column, *names)}
            for column, names in feed.columns.items()
        }
        self._words = list(words.values())
        self._key_words = [words[column] for column in feed.key]
        self.repeated: dict[tuple[bytes, str], Header] = {}
        self._half = max(2, (len(feed.columns) + 1) // 2)
        lengths = {
            column: min(len(letters(name)) for name in (column, *names))
            for column, names in feed.columns.items()
        }
        half = sum(sorted(lengths.values())[: self._half])
        self.shortest = min([half, *([sum(lengths[column] for column in feed.key)] if feed.key else [])])

    def header(self, values: Sequence[bytes], delimiter: str) -> tuple[Header, int] | None:
        """The header that a line with these values is, and how many columns it names; None if it is none.

        A line that names the key and little else of the feed may be a record that holds such a word: it is a header only
        if no other field looks like a value.
        """
        columns: list[str | None] = []
        for value in values:
            column = self._column(value)
            columns.append(None if column in columns else column)
        known = {column for column in columns if column is not None}
        if len(known) < self._half and not (self._holds_key(known) and not _hold_values(values, columns)):
            return None
        return self._named(values, columns, delimiter), len(known)

    def without_header(self, delimiter: str) -> Header:
        """The columns of a file without a header."""
        columns = tuple(self._feed.columns)
        return Header(delimiter, columns, (None,) * len(columns), len(columns))

    def wanted(self) -> str:
        """Which names are looked for, for people."""
        columns = list(self._feed.columns)
        shown = [*self._feed.key, *(column for column in columns if column not in self._feed.key)]
        more = f" and {len(shown) - 12} more" if len(shown) > 12 else ""
        key = ", ".join(self._feed.key)
        return f"a line that names {key}, or half of these columns: {', '.join(shown[:12])}{more}"

    def may_be_in(self, text: bytes) -> bool:
        """Whether lower-case text can hold a header at all; a quick look before a slow one."""
        if self._key_words and all(_is_any_in(words, text) for words in self._key_words):
            return True
        there = 0
        for left, words in enumerate(self._words, 1 - len(self._words)):
            there += _is_any_in(words, text)
            if there >= self._half or there - left < self._half:
                break
        return there >= self._half

    def run_together(self, header: Header) -> tuple[str, str] | None:
        """Two columns that a header lacks and that one of its other names is made of, or None."""
        lacking = [name for name, column in self._known.items() if column not in header.columns]
        others = {letters(label) for label in header.extra if label is not None}
        for first in lacking:
            for second in lacking:
                if first + second in others:
                    return self._known[first], self._known[second]
        return None

    def _holds_key(self, known: set[str]) -> bool:
        return bool(self._feed.key) and known.issuperset(self._feed.key)

    def _column(self, value: bytes) -> str | None:
        if not value or len(value) > 1000:
            return None
        name = value.decode("utf-8", "replace")
        return self._known.get(letters(name)) or self._known.get(letters(UNIT.sub("", name)))

    def _named(self, values: Sequence[bytes], columns: list[str | None], delimiter: str) -> Header:
        named = max(place for place, value in enumerate(values, 1) if not is_invisible(value))
        if named > self._feed.limits.max_columns:
            raise UnreadableFileError(
                f"The header has {named} columns, more than max_columns = {self._feed.limits.max_columns}."
                " Deliver fewer columns, or raise that var."
            )
        width = min(len(values), self._feed.limits.max_columns)
        extra: list[str | None] = []
        for place in range(width):
            label = None
            if columns[place] is None:
                label = _label(values[place]) or f"column_{place + 1}"
                again = 2
                while label in extra:
                    label = f"{_label(values[place]) or f'column_{place + 1}'}_{again}"
                    again += 1
            extra.append(label)
        return Header(delimiter, tuple(columns[:width]), tuple(extra), named)


def _label(value: bytes) -> str:
    """A name as people may see it: what does not print is shown by its number."""
    name = value.decode("utf-8", "backslashreplace").strip(INVISIBLE)
    return "".join(char if char.isprintable() else _shown(char) for char in name)


def _shown(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"


def _longest_word(name: str) -> bytes:
    """What any usual spelling of a name holds, lower case: the beginning of its longest word in ASCII."""
    return max(re.findall(r"[a-z0-9]+", name.lower()) or [""], key=len)[:4].encode()


def _is_any_in(words: Iterable[bytes], text: bytes) -> bool:
    for word in words:  # noqa: SIM110 - any() takes twice as long
        if word in text:
            return True
    return False


def _hold_values(values: Sequence[bytes], columns: Sequence[str | None]) -> bool:
    return any(VALUE.match(value) for value, column in zip(values, columns, strict=True) if column is None)

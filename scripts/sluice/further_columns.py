"""Columns for the fields that a feed does not know: the same for events from brokers and over HTTP.

The build keeps every column that a feed does not know in `_extra`. A landing file gets such a column for each name, as
long as the name can stand in a header: names that are long or hold control characters, and those beyond the first
hundred, share the column `more_fields`, a JSON object.
"""

import json
import re
from collections.abc import Mapping

TOMBSTONE = "_tombstone"
"""`true` for a message without a value: it says that its key is gone."""
UNDECODABLE_BECAUSE = "_undecodable_because"
"""What an undecodable message seems to be, where that can be told."""
PROVENANCE = (
    "_topic", "_partition", "_offset", "_key", "_headers", "_broker_timestamp", "_undecodable_base64",
)  # fmt: skip
"""Columns of every landed batch of messages. An event cannot set them, nor the two above."""

OVERFLOW = "more_fields"
MOST_COLUMNS = 100
LONGEST_NAME = 200
_RESERVED = {*PROVENANCE, TOMBSTONE, UNDECODABLE_BECAUSE}
_UNIT = re.compile(r"\([^()]*\)")


def plain_name(name: str) -> str:
    """What a name is compared by: its letters and digits in lower case, without a unit in parentheses."""
    return "".join(filter(str.isalnum, _UNIT.sub("", name))).lower()


class FurtherColumns:
    """The further columns of one file; they follow the `width` columns that it has anyway."""

    def __init__(self, width: int) -> None:
        self.names: list[str] = []
        """Their names, in order."""
        self._width = width
        self._slots: dict[str, int] = {}

    def place(self, fields: Mapping[str, str]) -> dict[int, str]:
        """Where one record's further fields go: index in the row → text."""
        placed: dict[int, str] = {}
        rest: dict[str, str] = {}
        for name, text in fields.items():
            slot = self._slot(name)
            if slot is None or slot in placed or "\0" in text:
                rest[name] = text
            else:
                placed[slot] = text
        if rest:
            placed[self._column(OVERFLOW, OVERFLOW)] = json.dumps(rest, ensure_ascii=False)
        return placed

    def note(self, name: str) -> int:
        """The index of a column of the machinery's own, such as TOMBSTONE."""
        return self._column(name, name)

    def _slot(self, name: str) -> int | None:
        """The index of a field's column, made where there is room; None where it gets none."""
        shown = name.strip() or "(empty)"
        plain = shown.lower()
        if plain in _RESERVED:
            shown = plain = f"message{plain}"
        if plain in self._slots and plain != OVERFLOW:
            return self._slots[plain]
        fits = len(shown) <= LONGEST_NAME and shown.isprintable() and len(self.names) < MOST_COLUMNS
        return self._column(plain, shown) if fits and plain != OVERFLOW else None

    def _column(self, plain: str, shown: str) -> int:
        if plain not in self._slots:
            self._slots[plain] = self._width + len(self.names)
            self.names.append(shown)
        return self._slots[plain]

"""How the files of one feed are read: its columns and their names, its key, and the options of its source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import orjson


@dataclass(frozen=True)
class Options:
    """What a source's YAML says about its files. None: look at the file.

    `encoding` is the name of a Python codec; `delimiter`, `quote` and `escape` are one character each; `header` is
    False where files have none, so that their columns are in the feed's order.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    header: bool | None = None


@dataclass(frozen=True)
class Limits:
    """What one file may cost: columns, bytes after decompression, how many times larger than the file itself that may
    be, and bytes of raw text that are kept of its faulty records. Each is a dbt var of the same name."""

    max_columns: int = 2000
    max_inflated_bytes: int = 10 << 30
    max_inflation_ratio: int = 200
    max_raw_bytes: int = 16 << 20


@dataclass(frozen=True)
class FeedFormat:
    """One feed. `columns`: each column's accepted names, its own first, in the order of the contract."""

    columns: Mapping[str, Sequence[str]]
    key: Sequence[str]
    feed: str = ""
    options: Options = field(default_factory=Options)
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The feed that a JSON text describes, with the members of this class; what is missing has its default.

        Raises ValueError for a text that is not such an object, and for options and limits that do not exist.
        """
        given: dict[str, Any] = orjson.loads(text)
        try:
            return cls(
                columns={column: tuple(names) for column, names in given["columns"].items()},
                key=tuple(given["key"]),
                feed=given.get("feed", ""),
                options=Options(**given.get("options", {})),
                limits=Limits(**given.get("limits", {})),
            )
        except (AttributeError, KeyError, TypeError) as problem:
            raise ValueError(f"This does not describe a feed: {problem}.") from problem

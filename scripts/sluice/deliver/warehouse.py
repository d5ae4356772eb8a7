"""How far the warehouse is, which published files and trees of files are compared with."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from sluice.deliver.pushdown import Views

BATCHES = (Path(__file__).parent / "batches.sql").read_text()


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def listed(texts: Iterable[str]) -> str:
    """Texts as what stands between the parentheses of IN; never empty."""
    return ", ".join(map(literal, texts)) or "null"


class Warehouse:
    """An open connection outside any transaction, and what it says of the entities' changes. Each is asked for once: nothing
    changes it while files are delivered.

    Attributes:
        cursor: the connection. A model is known to it by its bare name.
        views: its views, to be read over other rows.
        batches: feed (or other log) -> number of its last change.
        identities: the same -> identity of its last change.
        known: the same -> identity -> number, of the changes after which every row is logged: those since the entity was
            made anew, or the log was cut. What reflects another is written whole: it is too old, or from a time that this
            warehouse does not know, because an older one was brought back.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self.cursor = cursor
        self.views = Views(cursor)
        self.batches: dict[str, int] = {}
        self.identities: dict[str, str] = {}
        self.known: dict[str, dict[str, int]] = {}
        for feed, batch, identity in self.rows(BATCHES):
            self.batches[feed] = batch
            self.identities[feed] = identity
            self.known.setdefault(feed, {})[identity] = batch
        self._answers: dict[str, list[tuple]] = {}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.cursor.execute(query).fetchall()

    def once(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query over the machinery's tables, asked once."""
        if query not in self._answers:
            self._answers[query] = self.rows(query)
        return self._answers[query]

    def run(self, *statements: str) -> None:
        """Run statements whose results nobody reads."""
        for statement in statements:
            self.cursor.execute(statement).fetchall()

    @cached_property
    def id(self) -> str:
        """The warehouse's own id, hashed like personal data: what was written from another warehouse, or with another key,
        is written anew."""
        query = "select sha256(getvariable('pii_key') || chr(31) || warehouse_id) from state.warehouse"
        return self.rows(query)[0][0]

    @cached_property
    def columns(self) -> Mapping[str, dict[str, str]]:
        """Model -> its columns and their types, in order."""
        found: dict[str, dict[str, str]] = {}
        for model, column, kind in self.rows(
            "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'main' and not internal"
            " order by table_name, column_index"
        ):
            found.setdefault(model, {})[column] = kind
        return found

    def seen(self, identities: Mapping[str, str]) -> dict[str, int | None]:
        """The numbers of changes that files note by their identities: feed (or other log) -> number, None where the
        warehouse does not know the change, or not every row after it."""
        return {log: self.known.get(log, {}).get(identity) for log, identity in identities.items()}

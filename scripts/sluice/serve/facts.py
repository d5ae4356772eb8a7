"""What a published file holds, found out once per build: its tables, their sizes, and how fresh it is."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sluice.serve.access import PUBLIC
from sluice.serve.database import TimedOutError, UnavailableError, time_limit
from sluice.serve.metrics import read_series_keys
from sluice.serve.overview import Overview, read_overview

if TYPE_CHECKING:
    from sluice.serve.site import Site

Result = TypeVar("Result")
STEP_MS = 400
TIME_COLUMNS = ("event_at", "ordered_at", "transacted_at", "created_at")


@dataclass(frozen=True)
class Build:
    """The build a file holds, and when it was published."""

    build_id: str
    published_at: str


@dataclass(frozen=True)
class Table:
    """One table as it stands in the file."""

    name: str
    columns: tuple[str, ...]
    rows: int | None
    is_exact: bool
    indexes: tuple[tuple[str, ...], ...]
    """The columns of its key and of each index."""

    @property
    def sorted_by(self) -> set[str]:
        """Columns in whose order it can be read."""
        return {columns[0] for columns in self.indexes if columns}


@dataclass(frozen=True)
class Facts:
    """A build of one file, looked at once."""

    build: Build
    tables: Mapping[str, Table]
    latest_event_at: Mapping[str, str] = field(default_factory=dict)
    overview: Overview = field(default_factory=Overview)


def read_build(connection: sqlite3.Connection) -> Build:
    """The build the file holds now."""
    try:
        row = connection.execute(
            "select build_id, published_at from _build order by published_at desc"
        ).fetchone()
    except sqlite3.DatabaseError as error:
        if str(error) == "interrupted":
            raise
        raise UnavailableError(f"the published file holds no build: {error}") from error
    if row is None:
        raise UnavailableError("the published file holds no build yet")
    return Build(str(row[0]), str(row[1]))


def within(connection: sqlite3.Connection, function: Callable[[], Result], default: Result) -> Result:
    """The function's result, or the default when it takes too long or a table is not there."""
    try:
        with time_limit(connection, STEP_MS):
            return function()
    except sqlite3.OperationalError:
        return default


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _read_table(connection: sqlite3.Connection, name: str) -> Table:
    described = connection.execute("select name, pk from pragma_table_info(?)", (name,)).fetchall()
    key = tuple(row[0] for row in sorted(described, key=lambda row: row[1]) if row[1])
    listed = connection.execute(
        "select name from pragma_index_list(?) where origin = 'c' and not partial", (name,)
    ).fetchall()
    indexes = [
        tuple(row[0] for row in connection.execute("select name from pragma_index_info(?)", (index,)))
        for (index,) in map(tuple, listed)
    ]

    def one(sql: str) -> int | None:
        return within(connection, lambda: connection.execute(sql).fetchone()[0], None)

    rows = one(f"select count(*) from {_quoted(name)}")
    is_exact = rows is not None
    if rows is None:
        rows = one(f"select max(rowid) from {_quoted(name)}")
    return Table(name, tuple(row[0] for row in described), rows, is_exact, (key, *indexes))


def read_tables(connection: sqlite3.Connection) -> dict[str, Table]:
    """Every table, with its row count (or an upper bound of it when counting takes too long)."""
    names = connection.execute("select name from sqlite_master where type = 'table' order by name").fetchall()
    return {name: _read_table(connection, name) for (name,) in map(tuple, names)}


def _newest(connection: sqlite3.Connection, table: Table, column: str) -> str | None:
    """The largest value of a column; by way of an index on another column and this one, if there is one."""
    select = f"select max({_quoted(column)}) from {_quoted(table.name)}"
    if column not in table.sorted_by:
        for index in table.indexes:
            if index[1:2] == (column,):
                keys = read_series_keys(connection, _quoted(table.name), (_quoted(index[0]),))
                narrowed = f"{select} where {_quoted(index[0])} = ?"
                newest = (connection.execute(narrowed, key).fetchone()[0] or "" for key in keys)
                return max(newest, default="") or None
    return connection.execute(select).fetchone()[0]


def read_latest(connection: sqlite3.Connection, tables: Mapping[str, Table]) -> dict[str, str]:
    """The latest event time per feed: exact where the feed has a published table that can be searched in
    time, else the hour of its newest events."""

    def by_hour() -> dict[str, str]:
        return dict(
            map(
                tuple,
                connection.execute(
                    "select feed, max(event_date || 'T' || printf('%02d', hour) || ':00:00Z')"
                    " from hourly_events where event_count > 0 group by feed"
                ),
            )
        )

    def of_files() -> set[str]:
        return {feed for (feed,) in map(tuple, connection.execute("select distinct feed from daily_metrics"))}

    nothing: dict[str, str] = {}
    latest = within(connection, by_hour, nothing)
    feeds = {*latest, *within(connection, of_files, set[str]())}
    for table in tables.values():
        column = next((column for column in TIME_COLUMNS if column in table.columns), None)
        if column is None or table.name not in feeds:
            continue
        exact = within(connection, partial(_newest, connection, table, column), None)
        if exact is not None:
            latest[table.name] = exact
    return dict(sorted(latest.items()))


def read_facts(connection: sqlite3.Connection, name: str) -> Facts:
    """Everything the pages and probes want to know about a file, of one build."""
    connection.execute("begin")
    build, tables = read_build(connection), read_tables(connection)
    if name != PUBLIC:
        return Facts(build, tables)
    return Facts(build, tables, read_latest(connection, tables), read_overview(connection, within))


class FactsCache:
    """Facts per file, read again when the file holds another build."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def known(self) -> dict[str, Facts]:
        """What has been found out so far."""
        return self._facts

    async def get(self, site: "Site", name: str) -> Facts:
        """The facts of the build the file holds now."""
        try:
            build = await site.read(name, read_build, is_quick=True)
            facts = self._facts.get(name)
            if facts is None or facts.build != build:
                async with self._locks.setdefault(name, asyncio.Lock()):
                    facts = self._facts.get(name)
                    if facts is None or facts.build != build:
                        facts = await site.read(name, lambda connection: read_facts(connection, name), 10_000)
                        self._facts[name] = facts
        except TimedOutError as error:
            raise UnavailableError(f"{name}.db cannot be read now: {error}") from error
        except UnavailableError:
            self._facts.pop(name, None)
            raise
        return facts


class GivenFacts:
    """Facts that come with each request: the server finds them out once for all processes."""

    def __init__(self) -> None:
        self.facts: Facts | None = None
        self.problem = ""

    def known(self) -> dict[str, Facts]:
        """The facts of the public file, if there are any."""
        return {PUBLIC: self.facts} if self.facts else {}

    async def get(self, site: "Site", name: str) -> Facts:
        """The same, or UnavailableError with the reason."""
        if self.facts is None:
            raise UnavailableError(self.problem)
        return self.facts


def as_json(facts: Facts, warnings: Sequence[str]) -> dict[str, Any]:
    """The readiness answer; warnings are what an operator should know though data can be read."""
    return {
        "ok": True,
        "status": "ready",
        "published_at": facts.build.published_at,
        "build_id": facts.build.build_id,
        "latest_event_at": dict(facts.latest_event_at),
        "warnings": list(warnings),
    }

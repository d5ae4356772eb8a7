"""Published SQLite files as Datasette databases: read-only, opened on demand, every call time-limited."""

import asyncio
import contextlib
import itertools
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, TypeVar

from datasette.app import Datasette
from datasette.database import Database, QueryInterrupted

from sluice.serve.access import OPERATIONS, PUBLIC, tenant_of
from sluice.serve.limits import GRACE_SECONDS, MAX_VALUE_BYTES, too_slow

Result = TypeVar("Result")
FileKey = tuple[str, int, int]
MAX_IDLE = 64
"""Idle connections kept over all files; each holds three descriptors."""
CHECK_EVERY = 1000
QUICK_CHECKS = 60
"""How much work (in thousands of SQLite instructions, some milliseconds) a query may do in the event loop.
Not a time: on a busy machine small queries would be given up half-way and begun again."""
ALLOWED_PRAGMAS = frozenset(
    ["foreign_key_list", "function_list", "index_info", "index_list", "index_xinfo", "page_count"]
    + ["max_page_count", "page_size", "schema_version", "table_info", "table_xinfo", "query_only"]
)

DENIED_FUNCTIONS = frozenset(["load_extension", "fts3_tokenizer", "sqlite_log"])
"""Functions that load code, tell an address in memory, or write to the log."""
DENIED_TABLES = frozenset(["sqlite_stmt", "sqlite_dbpage", "dbstat"])
"""Built-in tables with the queries of other visitors, and with pages of the file."""


class UnavailableError(Exception):
    """A published file that is not there or cannot be read now."""


class TimedOutError(Exception):
    """A query or a page that ran into its time limit; `status` is 400 where the client asked for too much."""

    def __init__(self, message: str, status: int = 503) -> None:
        super().__init__(message)
        self.status = status


@contextlib.contextmanager
def limited(connection: sqlite3.Connection, is_over: Callable[[], bool]) -> Iterator[None]:
    """Interrupt whatever the connection runs once `is_over` says so."""
    connection.set_progress_handler(is_over, CHECK_EVERY)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


@contextlib.contextmanager
def killed_after(milliseconds: float) -> Iterator[None]:
    """End this whole process when the block takes longer. SQLite asks its progress handler between two steps
    only, and never while it compiles a statement; the kernel's alarm asks nobody."""
    signal.setitimer(signal.ITIMER_REAL, milliseconds / 1000 + GRACE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def time_limit(
    connection: sqlite3.Connection, milliseconds: float
) -> contextlib.AbstractContextManager[None]:
    """Interrupt whatever the connection runs once the time is over."""
    deadline = time.perf_counter() + milliseconds / 1000
    return limited(connection, lambda: time.perf_counter() >= deadline)


def work_limit(connection: sqlite3.Connection) -> contextlib.AbstractContextManager[None]:
    """Interrupt whatever the connection runs once it turns out not to be quick."""
    checks = itertools.count()
    return limited(connection, lambda: next(checks) >= QUICK_CHECKS)


def _authorize(action: int, first: str | None, second: str | None, *_: object) -> int:
    if action == sqlite3.SQLITE_ATTACH:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() not in ALLOWED_PRAGMAS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in DENIED_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_READ and (first or "").lower() in DENIED_TABLES:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def open_published(path: Path) -> sqlite3.Connection:
    """A read-only connection that can neither write, attach another file, nor build huge values."""
    try:
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False, isolation_level=None
        )
        connection.execute("pragma query_only=1")
    except sqlite3.Error as error:
        raise UnavailableError(f"{path.name} cannot be opened: {error}") from error
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_authorizer(_authorize)
    connection.row_factory = sqlite3.Row
    return connection


class ConnectionPool:
    """Idle connections of all published files; the least used closes first, a replaced file opens anew."""

    def __init__(self, prepare: Callable[[sqlite3.Connection, str], None], max_idle: int = MAX_IDLE) -> None:
        self._prepare = prepare
        self._max_idle = max_idle
        self._idle: list[tuple[FileKey, sqlite3.Connection]] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def connection(self, path: Path, name: str) -> Iterator[sqlite3.Connection]:
        """A connection to the file as it is now, for one call."""
        try:
            stat = path.stat()
        except OSError as error:
            raise UnavailableError(f"{path.name} has not been published") from error
        key = (str(path), stat.st_dev, stat.st_ino)
        connection = self._take(key)
        if connection is None:
            connection = open_published(path)
            self._prepare(connection, name)
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.rollback()
            self._give_back(key, connection)

    def _take(self, key: FileKey) -> sqlite3.Connection | None:
        with self._lock:
            replaced = [entry for entry in self._idle if entry[0][0] == key[0] and entry[0] != key]
            for entry in replaced:
                self._idle.remove(entry)
                entry[1].close()
            for index in range(len(self._idle) - 1, -1, -1):
                if self._idle[index][0] == key:
                    return self._idle.pop(index)[1]
        return None

    def _give_back(self, key: FileKey, connection: sqlite3.Connection) -> None:
        with self._lock:
            self._idle.append((key, connection))
            surplus = self._idle[: -self._max_idle]
            del self._idle[: -self._max_idle]
        for _, old in surplus:
            old.close()

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            for _, connection in self._idle:
                connection.close()
            self._idle.clear()


class PublishedDatabase(Database):
    """A published file. It holds no connection of its own and can be made for every request."""

    def __init__(
        self, ds: Datasette, pool: ConnectionPool, path: Path, name: str, is_killable: bool = False
    ) -> None:
        super().__init__(ds, path=str(path), is_mutable=True)
        self.hard_limit = killed_after if is_killable else contextlib.nullcontext
        self.name = self.route = name
        self.file = path
        self._pool = pool

    def call(self, function: Callable[[sqlite3.Connection], Result], milliseconds: float | None) -> Result:
        """Run the function with a connection, in this thread, under a time limit; None: if it is quick."""
        try:
            with (
                self._pool.connection(self.file, self.name) as connection,
                work_limit(connection) if milliseconds is None else time_limit(connection, milliseconds),
            ):
                return function(connection)
        except sqlite3.OperationalError as error:
            if str(error) == "interrupted":
                raise TimedOutError(too_slow(milliseconds)) from error
            raise

    async def read(
        self,
        executor: Executor,
        function: Callable[[sqlite3.Connection], Result],
        milliseconds: float,
        is_quick: bool = False,
    ) -> Result:
        """Run the function in the executor, under a time limit. What is usually quick is tried here first:
        handing a small query to a thread and back costs more than the query."""
        if is_quick:
            with contextlib.suppress(TimedOutError):
                return self.call(function, None)
        return await asyncio.get_running_loop().run_in_executor(executor, self.call, function, milliseconds)

    async def execute_fn(self, fn: Callable[[sqlite3.Connection], Any]) -> Any:
        """Datasette's door to a connection, in a page process: everything behind it has a time limit."""
        limit = self.ds.sql_time_limit_ms
        try:
            with self.hard_limit(limit):
                return self.call(fn, limit)
        except TimedOutError as error:
            raise QueryInterrupted(error, "", None) from error

    async def execute_write_fn(self, *_: Any, **__: Any) -> Any:
        """Nothing that is served can be written."""
        raise UnavailableError("published files are read-only")

    async def attached_databases(self) -> list[Any]:
        """No connection has any."""
        return []


class Databases(dict[str, Database]):
    """Datasette's databases by name. Iterating shows the files everybody knows; a tenant's is made when
    it is asked for, so that a thousand tenants cost nothing while nobody looks."""

    def __init__(self, ds: Datasette, pool: ConnectionPool, published: Path, is_killable: bool) -> None:
        super().__init__()
        self._ds, self._pool, self.published, self._is_killable = ds, pool, published, is_killable
        self._made: dict[str, PublishedDatabase] = {}

    def __missing__(self, name: str) -> PublishedDatabase:
        tenant_id = tenant_of(name)
        if tenant_id is not None:
            path = self.published / "tenants" / f"{tenant_id}.db"
        elif name in (PUBLIC, OPERATIONS):
            path = self.published / f"{name}.db"
        else:
            raise KeyError(name)
        if not path.is_file():
            raise KeyError(name)
        if name in self._made:
            return self._made[name]
        database = PublishedDatabase(self._ds, self._pool, path, name, self._is_killable)
        if tenant_id is None:
            self._made[name] = database
        return database

    def copy(self) -> "Databases":
        """Itself: nothing is ever added by hand."""
        return self

    def get(self, name: str, default: Any = None) -> Any:
        """Like indexing, with a default."""
        try:
            return self[name]
        except KeyError:
            return default

    def _listed(self) -> list[Database]:
        return [self[name] for name in (PUBLIC, OPERATIONS) if name in self]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter([database.name for database in self._listed()])

    def __len__(self) -> int:
        return len(self._listed())

    def keys(self) -> list[str]:  # type: ignore[override]
        """The names of the files everybody knows."""
        return list(self)

    def values(self) -> list[Database]:  # type: ignore[override]
        """The files everybody knows."""
        return self._listed()

    def items(self) -> list[tuple[str, Database]]:  # type: ignore[override]
        """The files everybody knows, by name."""
        return [(database.name, database) for database in self._listed()]

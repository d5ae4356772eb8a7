"""What one serving process knows: its folders, tokens, connections, descriptions and counters."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from datasette.app import Datasette

from sluice.home import Home
from sluice.serve.access import PUBLIC
from sluice.serve.catalog import Catalog
from sluice.serve.database import ConnectionPool, Databases, PublishedDatabase, UnavailableError
from sluice.serve.facts import Facts, FactsCache, GivenFacts
from sluice.serve.lineage import Files
from sluice.serve.prometheus import HttpCounters, Landing
from sluice.tokens import Tokens

Result = TypeVar("Result")
API_LIMIT_MS = 2000
TOKENS_PROBLEM = (
    "the token file cannot be used as it is; the last good one counts, and the log says what is wrong"
)


class Site:
    """The state behind the routes, in the server and in each of its page processes.

    Args:
        datasette: the instance that serves the pages.
        home: the data home.
        tokens: who may come in.
        is_killable: whether this process may be ended by a query that takes too long.
    """

    def __init__(self, datasette: Datasette, home: Home, tokens: Tokens, is_killable: bool) -> None:
        self.datasette, self.home, self.tokens = datasette, home, tokens
        self.pool = ConnectionPool(datasette._prepare_connection)
        self.databases = Databases(datasette, self.pool, home.published, is_killable)
        self.executor = ThreadPoolExecutor(max_workers=4, thread_name_prefix="api")
        self.catalog = Catalog()
        self.lineage = Files(home)
        self.landing = Landing()
        self.counters = HttpCounters()
        self.facts_cache: FactsCache | GivenFacts = FactsCache()
        self._warming: asyncio.Future[Facts | None] | None = None

    def database(self, name: str) -> PublishedDatabase:
        """A published database; UnavailableError when its file is not there."""
        database = self.databases.get(name)
        if database is None:
            raise UnavailableError(
                "nothing has been published yet" if name == PUBLIC else f"{name} is not published"
            )
        return database

    async def read(
        self,
        name: str,
        function: Callable[[Any], Result],
        milliseconds: float = API_LIMIT_MS,
        is_quick: bool = False,
    ) -> Result:
        """Run one of the server's own queries on a published database, under a time limit."""
        try:
            return await self.database(name).read(self.executor, function, milliseconds, is_quick)
        except sqlite3.DatabaseError as error:
            raise UnavailableError(f"{name}.db cannot be read now: {error}") from error

    async def run(self, function: Callable[[], Result]) -> Result:
        """Run a function that touches files, in the API's own threads."""
        return await asyncio.get_running_loop().run_in_executor(self.executor, function)

    async def facts(self, name: str = PUBLIC) -> Facts:
        """What is known about the current build of a published file."""
        return await self.facts_cache.get(self, name)

    async def facts_or_none(self, name: str = PUBLIC) -> Facts | None:
        """The same, or None while the file cannot be read."""
        try:
            return await self.facts(name)
        except UnavailableError:
            return None

    async def warm(self) -> None:
        """Facts for the settings of a page: waited for the first time, renewed behind its back later."""
        self._warming = asyncio.ensure_future(self.facts_or_none())
        if PUBLIC not in self.facts_cache.known():
            await self._warming

    def warnings(self) -> list[str]:
        """What an operator should know; everybody may read it, so it names nothing."""
        return [TOKENS_PROBLEM] if self.tokens.check() else []

    def metadata(self) -> dict[str, Any]:
        """Datasette's metadata, from the dbt YAML; sorts and facets only where they are quick."""
        return self.catalog.metadata(self.facts_cache.known())

    def close(self) -> None:
        """Let go of files and threads."""
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.pool.close()

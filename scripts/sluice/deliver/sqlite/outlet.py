"""The outlet of SQLite files that hold the tables of all feeds: operations.db and sluice.db.

Each model says in its meta by `publish` which tables it is (see declared.py). Delivered are the tables of every feed whose
published models were all built in this run and whose tests all passed; the tables of another feed stay as they were. Per
file everything happens in one transaction. The files are prepared at the same time, and become visible in order.
"""

import sqlite3
from pathlib import Path
from typing import Any

from sluice.deliver.declared import Declared
from sluice.deliver.run import Run
from sluice.deliver.sqlite.apply import apply_publications, prepare_staging
from sluice.deliver.sqlite.fill import fill
from sluice.deliver.sqlite.spec import Publication
from sluice.deliver.sqlite.state import note_published, published_state
from sluice.deliver.sqlite.table import Planner
from sluice.deliver.warehouse import Warehouse
from sluice.home import Home
from sluice.stamps import clear, is_sound, say

DATABASES = ("operations", "sluice")


class SqliteFiles:
    """The published files."""

    def __init__(self, home: Home, run: Run, warehouse: Warehouse) -> None:
        self._home, self._run, self._warehouse = home, run, warehouse
        self._written: list[Path] = []

    def state(self) -> dict[str, dict[str, Any]]:
        """What each file reflects: database -> see state.py."""
        return {database: published_state(self._target(database)) for database in DATABASES}

    def write(self, since: dict[str, dict[str, Any]]) -> None:
        """Bring the files up to date. One that turns out to be damaged is removed, and all are prepared once more.

        Raises:
            sqlite3.Error: a file could not be written; it and all after it are as they were.
        """
        while not self._publish(since):
            since = self.state()

    def note(self) -> None:
        """Note what the files that were written are like now."""
        note_published(self._written)

    def reflected(self) -> dict[str, int]:
        """Feed -> the batch that all files reflect, 0 where one of them reflects none."""
        seen = [self._warehouse.seen(state["batches"]) for state in self.state().values()]
        return {feed: min(batches.get(feed) or 0 for batches in seen) for feed in self._run.feeds}

    def _publish(self, since: dict[str, dict[str, Any]]) -> bool:
        """Returns: false when a damaged file was removed, and nothing of it and of those after it was published."""
        publications = []
        for database, published in since.items():
            staging = staging_file(self._home, database)
            if publication := self._staged(database, published, staging):
                publications.append((self._target(database), staging, publication))
        self._written = [target for target, _, _ in publications]
        try:
            apply_publications(publications)
        except sqlite3.DatabaseError:
            damaged = [target for target in self._written if target.exists() and not is_sound(target)]
            for target in damaged:
                say(f"{target} is damaged; it is made again.")
                clear(target)
            if not damaged:
                raise
            return False
        return True

    def _staged(self, database: str, published: dict[str, Any], staging: Path) -> Publication | None:
        """Fill the staging file of a database; None where nothing of it is published."""
        run, warehouse = self._run, self._warehouse
        origin = origin_of(run, warehouse)
        seen = warehouse.seen(published["batches"] if published["warehouse_id"] == origin else {})
        planner = Planner(run, warehouse)
        due = [table for table in run.tables if table.database == database and self._is_due(table)]
        planned = (planner.plan(table, published["tables"].get(table.table), seen) for table in due)
        plans = [plan for plan in planned if plan]
        if not plans:
            return None
        publication = Publication(
            tables=tuple(plan.table for plan in plans),
            build=dict(run.build),
            batches=tuple((log, warehouse.identities[log]) for log in self._reflects(database)),
            warehouse_id=origin,
            is_public=database == "sluice",
        )
        prepare_staging(staging, publication)
        fill(warehouse.cursor, staging, (query for plan in plans for query in plan.queries(warehouse)))
        return publication

    def _is_due(self, table: Declared) -> bool:
        run = self._run
        if table.relation not in self._warehouse.columns:
            return False
        if table.every_run:
            return True
        feeds = [feed for feed in run.released if run.is_built(feed, table.database)]
        return table.feed in feeds if table.feed else bool(feeds)

    def _reflects(self, database: str) -> list[str]:
        """The logs whose last change the file reflects when it is written."""
        logs = []
        for feed in self._run.released:
            if feed in self._warehouse.batches and self._run.is_built(feed, database):
                followed = [
                    log
                    for table in self._run.tables
                    if table.database == database and table.feed == feed
                    for log in table.also_follows
                ]
                logs += [log for log in dict.fromkeys([feed, *followed]) if log in self._warehouse.batches]
        return logs

    def _target(self, database: str) -> Path:
        return self._home.published / f"{database}.db"


def staging_file(home: Home, database: str) -> Path:
    """Beside the published files, so that a first publication is one rename on one file system."""
    return home.published / ".staging" / f"{database}.db"


def origin_of(run: Run, warehouse: Warehouse) -> str:
    """What a file is written from. Another window of event-level tables (var publish_days) makes it another file: all rows
    are sent once."""
    return warehouse.id if run.publish_days is None else f"{warehouse.id} newest {run.publish_days}"

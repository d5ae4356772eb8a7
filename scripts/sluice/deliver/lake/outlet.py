"""The outlet of the lake: Parquet copies for other tools, of the feeds whose published tables were brought up to date as well.

Only the partitions are written that changed since the lake's own state (lake/.sluice.json), or whose files are not as it notes
them: all of a feed's when it was made anew, or when the lake reflects a change that the warehouse does not know. A partition
that rows only came to gets a file of those rows beside its own. Everything is written aside first, then renamed partition by
partition, then the state is noted; what a killed run left undone is done by the next.
"""

from collections.abc import Sequence

from sluice.deliver.lake.files import (
    STAGING,
    change_partitions,
    clear_staging,
    growing_partitions,
    written_files,
)
from sluice.deliver.lake.tables import LakeTable, LakeTables
from sluice.deliver.lake.touched import noted_after, touched_partitions
from sluice.deliver.run import Run
from sluice.deliver.trees import Behind, behind, note
from sluice.deliver.warehouse import Warehouse, listed, literal
from sluice.home import Home
from sluice.stamps import stamp

AT_ONCE = 500
"""Partitions that one COPY writes."""
NAMED = 5
"""Partitions that are named when their files are not as the last run left them."""


class Lake:
    """The lake."""

    def __init__(self, home: Home, run: Run, warehouse: Warehouse) -> None:
        self._folder, self._run, self._warehouse = home.lake, run, warehouse
        self._tables = LakeTables(run, warehouse)
        self._touched: dict[str, list[str]] = {}
        self._noted: dict[str, str] = {}
        self._state: Behind | None = None

    def state(self) -> Behind | None:
        """What the lake has still to take in; None: nothing."""
        state = behind(self._folder, self._warehouse, self._run.delivered_feeds)
        self._noted = dict(state.files or {})
        if state.files is not None:
            sources = {table.source for feed in self._run.feeds for table in self._tables.of_feed(feed, None)}
            self._touched = touched_partitions(self._folder, state.files, sources)
        self._state = state if state.since or self._touched else None
        return self._state

    def write(self, since: Behind | None) -> None:
        """Write the partitions that changed, and those that are not as the last run left them."""
        if since is None:
            return
        self._warehouse.run("set partitioned_write_max_open_files = 1000")
        staging = clear_staging(self._folder)
        changes = []
        for feed in since.current:
            if feed in since.since or self._touched:
                batch = since.since.get(feed, since.current[feed])
                for table in self._tables.of_feed(feed, batch):
                    changes += self._prepared(feed, table, batch, feed in since.since)
        for table, written, rewritten, grown in changes:
            folders = {rest: staging / _folder_name(table, rest) for rest in written}
            moved = {
                f"{table.name}/{partition}/{table.file}{rest}.parquet": stamp(file)
                for rest, folder in folders.items()
                for partition, file in written_files(folder).items()
            }
            is_public = not table.name.startswith("quarantine/")
            change_partitions(
                self._folder / table.name, table.file, folders, rewritten, grown, is_public=is_public
            )
            self._noted = noted_after(self._noted, table.source, written, rewritten, grown, moved)

    def note(self) -> None:
        """Note what the lake reflects, and the files that builds left in it: one that is still to be written again keeps the
        stamp that it is not found with."""
        if self._state:
            note("lake", self._folder, self._warehouse, self._state, self._noted)

    def _prepared(
        self, feed: str, table: LakeTable, since: int | None, is_behind: bool
    ) -> list[tuple[LakeTable, list[str], list[str] | None, list[str]]]:
        """Write aside what changed in a table.

        Returns: nothing, or what is to be moved into place: table, rests of the names of its files, folders of the partitions
        that are written again (None: all) and of those that grew.
        """
        touched = self._touched.pop(table.source, [])
        changed = self._changed(table) if is_behind and since is not None else []
        lost = [value for value in touched if value not in changed]
        if lost and since is not None:
            more = ", …" if lost[NAMED:] else ""
            print(
                f"lake/{table.name} is not as the last build left it; written again: {', '.join(lost[:NAMED])}{more}"
            )
        grown = [value for value in self._grown(table, changed) if value not in touched]
        changed += lost
        kept = sorted(value for value in changed if value not in grown)
        rewritten = self._all(table, feed) if since is None else kept
        parts = {"": (table.query, rewritten, table.by_load)}
        if grown and table.added:
            parts[f"-{since}"] = (table.added.query, grown, False)
        if table.waiting:
            parts["-waiting"] = (table.waiting, sorted(rewritten + grown), table.by_load)
        for rest, (query, values, by_load) in parts.items():
            for first in range(0, len(values), AT_ONCE):
                some = values[first : first + AT_ONCE]
                self._copy(table, rest, query, some, by_load=by_load, is_all=since is None)
        if since is not None and not changed:
            return []
        folders = [[f"{table.partition}={value}" for value in values] for values in (rewritten, grown)]
        return [(table, list(parts), None if since is None else folders[0], folders[1])]

    def _changed(self, table: LakeTable) -> list[str]:
        """The partitions that changed, as sorted text."""
        queries = " union ".join(table.changed)
        return self._values(f"select cast(value as varchar) from ({queries}) as changed(value) order by 1")

    def _grown(self, table: LakeTable, changed: list[str]) -> list[str]:
        """Of the changed partitions those that rows only came to, and that may get another file."""
        if not table.added or not changed:
            return []
        may_grow = growing_partitions(self._folder / table.name, table.file, self._folder / STAGING)
        values = self._values(
            f"select cast(value as varchar) from ({table.added.partitions}) as grown(value) order by 1"
        )
        return [value for value in values if f"{table.partition}={value}" in may_grow]

    def _all(self, table: LakeTable, feed: str) -> list[str]:
        """All partitions, and perhaps dates of which it has no row: those of files are taken from the ledger."""
        is_by_file = table.partition == "ingest_date"
        found = f"state.current_loads where feed = '{feed}'" if is_by_file else f"({table.query})"
        return self._values(f"select distinct cast({table.partition} as varchar) from {found} order by 1")

    def _values(self, query: str) -> list[str]:
        return [value for (value,) in self._warehouse.rows(query)]

    def _copy(
        self,
        table: LakeTable,
        rest: str,
        query: str,
        values: Sequence[str],
        *,
        by_load: bool,
        is_all: bool,
    ) -> None:
        """Write what a query has in partitions, given as consecutive dates, to a folder of its own."""
        dates, column = listed(values), table.partition
        condition = f"{column} between '{values[0]}' and '{values[-1]}'"
        if not is_all:
            condition += f" and {column} in ({dates})"
            if by_load:
                loads = f"select load_id from state.current_loads where ingest_date in ({dates})"
                condition += f" and _load_id in ({loads})"
        columns = "* exclude (_load_id)" if by_load else "*"
        folder = self._folder / STAGING / _folder_name(table, rest)
        self._warehouse.run(
            f"copy (select {columns} from ({query}) where {condition}) to {literal(str(folder))}"
            f" (format parquet, compression zstd, compression_level 1, partition_by ({column}), overwrite_or_ignore)"
        )


def _folder_name(table: LakeTable, rest: str) -> str:
    return f"{table.name.replace('/', '.')}.{table.file}{rest}"

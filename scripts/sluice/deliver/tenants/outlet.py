"""The outlet of folders of SQLite files, one file per value of a column, such as one per tenant. Only the files whose rows
changed are written, each in one transaction; the changed rows of all of them go to one staging file, in one pass per table.

The published models of such a folder belong to one feed, and name the column by `file_by`. A file is written when a row of it
changed since the folder's own state (published/<folder>/.sluice.json), and whole when it is missing or not as that state
notes it. All files are written whole when the state is of another layout or warehouse, or reflects a change that the warehouse
does not know. A run that was killed between two files is completed by the next.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from sluice.deliver.changes import Changes
from sluice.deliver.declared import Column, Declared
from sluice.deliver.run import Run
from sluice.deliver.sqlite.apply import prepare_staging
from sluice.deliver.sqlite.fill import fill
from sluice.deliver.sqlite.outlet import staging_file
from sluice.deliver.sqlite.spec import Publication, Table
from sluice.deliver.sqlite.table import over_entity, rendered_groups
from sluice.deliver.tenants.files import File, publish_files, published_files
from sluice.deliver.trees import Behind, behind, note
from sluice.deliver.warehouse import Warehouse, literal
from sluice.home import Home
from sluice.stamps import clear, stamp


@dataclass(frozen=True)
class Due:
    """The files to write, those that should be there, and what is surplus."""

    files: list[File]
    keep: list[str]
    surplus: list[str]


class FolderOfFiles:
    """One folder of published files.

    Args:
        home, run, warehouse: what is delivered, and where.
        name: the folder below published/.
    """

    def __init__(self, home: Home, run: Run, warehouse: Warehouse, name: str) -> None:
        self._run, self._warehouse, self._name = run, warehouse, name
        self._folder, self._staging = home.published / name, staging_file(home, name)
        self._changes = Changes(run, warehouse)
        self._declared = [table for table in run.tables if table.database == name]
        self._feed = self._declared[0].own_feed
        self._state: Behind | None = None
        self._is_touched = False

    def state(self) -> Behind | None:
        """What the folder has still to take in; None when nothing of its feed is delivered."""
        run, feed = self._run, self._feed
        is_due = feed in self._warehouse.batches and feed in run.released and run.is_built(feed, self._name)
        self._state = behind(self._folder, self._warehouse, [feed], self._layout()) if is_due else None
        return self._state

    def write(self, since: Behind | None) -> None:
        """Bring the files up to date. One of which only changes were prepared may turn out to be damaged; it is removed, and
        then made again from all of its rows.

        Raises:
            ValueError: a value that may be no file name; nothing was written.
            sqlite3.Error: a file could not be written; the others are up to date, or as they were.
        """
        if since is None:
            return
        batch, is_done = since.since.get(self._feed, self._warehouse.batches[self._feed]), False
        while not is_done:
            due = self._due(batch)
            is_done = not (due.files or due.surplus) or self._publish(batch, due)
            self._is_touched = self._is_touched or bool(due.files or due.surplus)

    def note(self) -> None:
        """Note what the folder reflects, and what its files are like now."""
        if self._state and (self._state.since or self._is_touched):
            files = {path.name: stamp(path) for path in self._folder.glob("*.db")}
            note(self._name, self._folder, self._warehouse, self._state, files, is_public=False)

    def _tables(self) -> tuple[Table, ...]:
        return tuple(
            Table(
                name=declared.table,
                columns=tuple((column.name, column.kind) for column in self._rendered(declared)),
                key=declared.key,
                mode="replace",
                changed_by=tuple(column for column in declared.changed_by if column != declared.file_by),
                indexes=declared.indexes,
                file_by=declared.file_by,
            )
            for declared in self._declared
        )

    def _layout(self) -> str:
        """What all files are written again for when it changes."""
        tables = [asdict(table) for table in self._tables()]
        layout = json.dumps([self._warehouse.id, self._run.publish_days, tables])
        return hashlib.md5(layout.encode(), usedforsecurity=False).hexdigest()

    def _due(self, since: int | None) -> Due:
        """The files there are compared with those there should be."""
        names = next(declared for declared in self._declared if declared.names_files)
        column, present = names.file_by, published_files(self._folder)
        wanted = {name for (name,) in self._warehouse.rows(f"select distinct {column} from {names.relation}")}
        changed: set[str] = set()
        if since is not None:
            log = f"from state.changed_{self._feed} where batch_id > {since}"
            changed = {name for (name,) in self._warehouse.rows(f"select distinct {column} {log}")}
        files = []
        for name in sorted(wanted):
            is_unknown = since is None or not present.get(name)
            if is_unknown or name in changed:
                files.append(File(name, is_full=is_unknown or self._run.publish_days is not None))
        return Due(files, sorted(wanted), sorted(present.keys() - wanted))

    def _publish(self, since: int | None, due: Due) -> bool:
        publication = Publication(tables=self._tables(), build=dict(self._run.build))
        prepare_staging(self._staging, publication)
        fill(self._warehouse.cursor, self._staging, self._queries(since, due.files))
        is_done = publish_files(self._folder, self._staging, publication, due.files, due.keep)
        clear(self._staging)
        return is_done

    def _queries(self, since: int | None, files: list[File]) -> Iterator[tuple[str, str]]:
        """Pairs of staged table and query: the rows of files due in full, and the changed ones of the others."""
        warehouse, full = self._warehouse, any(file.is_full for file in files)
        rows = ", ".join(f"({literal(file.name)}, {file.is_full})" for file in files)
        warehouse.run("create or replace temp table files_to_publish (name varchar, is_full boolean)")
        if rows:
            warehouse.run(f"insert into files_to_publish values {rows}")
        for declared in self._declared if files else ():
            if full:
                yield declared.table, self._full_rows(declared)
            if since is not None and not all(file.is_full for file in files):
                yield from self._changed_rows(declared, since)

    def _full_rows(self, declared: Declared) -> str:
        is_due = f"{declared.file_by} in (select name from files_to_publish where is_full)"
        rows = over_entity(self._warehouse, declared.relation, declared.own_feed, is_due, {})
        return self._selected(declared, self._in_window(declared, rows), is_due)

    def _changed_rows(self, declared: Declared, since: int) -> Iterator[tuple[str, str]]:
        feed, instant = self._feed, self._run.instants[self._feed]
        is_due = f"{declared.file_by} in (select name from files_to_publish where not is_full)"
        log = f"from state.changed_{feed} where batch_id > {since} and {is_due}"
        first, last = self._span(f"select min({instant}), max({instant}) {log}")
        wanted = (
            f"{instant} between timestamp '{first}' and timestamp '{last}'"
            f" and _key_hash in (select _key_hash {log})"
        )
        groups, columns = ", ".join(declared.changed_by.values()), ", ".join(declared.changed_by)
        yield (
            f"{declared.table}__changed",
            f"select distinct {rendered_groups(self._warehouse, declared)} {log}",
        )
        spans = self._changes.spans(declared.unique_id, feed, log)
        rows = over_entity(self._warehouse, declared.relation, feed, wanted, spans)
        is_changed = "true" if declared.sends == "changed_keys" else f"({columns}) in (select {groups} {log})"
        yield declared.table, self._selected(declared, rows, f"{is_changed} and {is_due}")

    def _rendered(self, declared: Declared) -> list[Column]:
        return declared.rendered(self._warehouse.columns[declared.relation])

    def _span(self, query: str) -> tuple[datetime, datetime]:
        return self._warehouse.rows(query)[0]

    def _selected(self, declared: Declared, rows: str, condition: str) -> str:
        columns = [f'{column.value} as "{column.name}"' for column in self._rendered(declared)]
        selected = ", ".join([declared.file_by, *columns])
        order = ", ".join(f'"{name}"' for name in (declared.file_by, *declared.key))
        return f"select {selected} from ({rows}) as published where {condition} order by {order}"

    def _in_window(self, declared: Declared, rows: str) -> str:
        """Rows limited, by the var publish_days, to the newest days of each file's own event dates, events of the future
        apart."""
        days, instant = self._run.publish_days, declared.event_date
        if days is None or not instant:
            return rows
        of_file = f"over (partition by {declared.file_by})"
        limit = self._run.future_begins
        newest = f"coalesce(max({instant}) filter (where {instant} <= {limit}) {of_file}, max({instant}) {of_file})"
        first = f"cast({newest} as date) - interval {days - 1} day"
        return f"select * from ({rows}) as published qualify {instant} >= {first}"

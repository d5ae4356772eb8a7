"""How one table is published: what is done with it, and the queries that fill it in the staging file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sluice.deliver.changes import Changes
from sluice.deliver.declared import Declared
from sluice.deliver.run import Run
from sluice.deliver.warehouse import Warehouse, listed
from sluice.publish.spec import Table


@dataclass(frozen=True)
class Changed:
    """The changed groups of a table since the published file's own batch.

    Attributes:
        columns: the table's columns that tell groups apart.
        groups: query that becomes the temporary table changed_groups.
        rows: query of the rows to send.
        condition: of the rows to send.
        keys: query that becomes the temporary table changed_keys before rows are read, or none.
        of_records: single records of a file may have changed, see publish/spec.py null_is_any.
        in_partial_index: all of them are found by the table's partial index.
    """

    columns: tuple[str, ...]
    groups: str
    rows: str
    condition: str = "true"
    keys: str | None = None
    of_records: bool = False
    in_partial_index: bool = False


@dataclass(frozen=True)
class Plan:
    """A table to publish, and how its staged tables are filled."""

    table: Table
    rows: str
    changed: Changed | None = None

    def queries(self, warehouse: Warehouse) -> Iterator[tuple[str, str]]:
        """Pairs of staged table and query, in order."""
        if self.changed:
            warehouse.run(f"create or replace temp table changed_groups as {self.changed.groups}")
            yield f"{self.table.name}__changed", "select * from changed_groups"
            if self.changed.keys:
                warehouse.run(f"create or replace temp table changed_keys as {self.changed.keys}")
        yield self.table.name, self.rows


NOTHING_CHANGED = "nothing"


class Planner:
    """Plans the tables of one published file."""

    def __init__(self, run: Run, warehouse: Warehouse) -> None:
        self._run, self._warehouse, self._changes = run, warehouse, Changes(run, warehouse)

    def plan(
        self, declared: Declared, present: list[tuple[str, str]] | None, seen: dict[str, int | None]
    ) -> Plan | None:
        """How a table is published.

        Only the changed rows are sent when the file already reflects an earlier batch of this warehouse and nothing in
        between was made anew; else all rows are, and only what differs is written.

        Args:
            declared: the table.
            present: its columns in the published file.
            seen: log -> batch that the file reflects (Warehouse.seen).
        Returns: None when the published table is what it would become.
        """
        columns = published_columns(self._warehouse, declared)
        names = [name for name, _ in columns]
        scope = self._scope(declared, names)
        table = Table(
            name=declared.table,
            columns=tuple(columns),
            key=declared.key,
            indexes=declared.indexes,
            partial_index=("raw_record", self._changes.has_reference_reason()) if declared.by_file else None,
            scope=scope,
        )
        conditions, source = [scope] if scope else [], declared.relation
        changed = None
        if window := self._window(declared):
            table = replace(table, keep_where=window)
            conditions.append(window)
        elif present == columns:
            changed = self._changed(declared, seen)
            if changed == NOTHING_CHANGED:
                return None
        if changed:
            table = replace(
                table,
                mode="replace",
                changed_by=changed.columns,
                null_is_any=changed.of_records,
                is_in_partial_index=changed.in_partial_index,
            )
            conditions.append(changed.condition)
            source = f"({changed.rows}) as published"
        selected = ", ".join(f'"{name}"' for name in names)
        order = f" order by {', '.join(declared.key)}" if declared.key else ""
        rows = f"select {selected} from {source} where {' and '.join(conditions) or 'true'}{order}"
        return Plan(table, rows, changed)

    def _scope(self, declared: Declared, names: list[str]) -> str | None:
        """The rows that may be sent, of a table of several feeds of which some are held back."""
        held = [feed for feed in self._run.feeds if feed not in self._run.released]
        return (
            f"feed not in ({listed(held)})" if "feed" in names and held and not declared.every_run else None
        )

    def _window(self, declared: Declared) -> str | None:
        """The condition of the var publish_days, as text that DuckDB and SQLite both understand; or None. The days are
        counted from the newest event that is not one of the future."""
        instant = declared.event_date
        if not instant or self._run.publish_days is None:
            return None
        limit = f"strftime({self._run.future_begins}, '%Y-%m-%dT%H:%M:%S.%fZ')"
        newest = self._warehouse.rows(
            f"select coalesce(max({instant}) filter (where {instant} <= {limit}), max({instant}))"
            f" from {declared.relation}"
        )[0][0]
        if newest is None:
            return None
        first = datetime.fromisoformat(newest[:10]) - timedelta(days=self._run.publish_days - 1)
        return f"{instant} >= '{first:%Y-%m-%d}'"

    def _changed(self, declared: Declared, seen: dict[str, int | None]) -> Changed | str | None:
        """What changed; NOTHING_CHANGED; or None when all rows have to be sent."""
        if not (declared.by_file or declared.changed_by):
            return None
        followed = self._run.released if declared.by_file else [declared.feed, *declared.also_follows]
        batches = self._warehouse.batches
        for log in followed:
            if seen.get(log) is None and (log in seen or log not in declared.also_follows):
                return None
        changed = {log: seen.get(log, 0) for log in followed if batches.get(log, 0) != seen.get(log, 0)}
        if not changed:
            return NOTHING_CHANGED
        if declared.by_file:
            return self._changed_files(declared, changed)
        groups = ", ".join(declared.changed_by.values())
        columns = tuple(declared.changed_by)
        if declared.by_key and not declared.also_follows:
            log = self._changes.rows(declared.feed, changed[declared.feed])
            came = f"select * exclude (sign) from ({log}) as changed where sign > 0"
            return Changed(
                columns=columns,
                groups=f"select distinct {groups} from ({log}) as changed",
                rows=self._warehouse.views.over(declared.relation, {declared.feed: came}),
            )
        logs = [f"from state.changed_{log} where batch_id > {since}" for log, since in changed.items()]
        all_groups = " union all ".join(f"select {groups} {log}" for log in logs)
        if declared.by_key:
            wanted = "_key_hash in (select _key_hash from changed_keys)"
            return Changed(
                columns=columns,
                groups=f"select distinct * from ({all_groups})",
                keys=f"select distinct _key_hash from ({' union all '.join(f'select _key_hash {log}' for log in logs)})",
                rows=over_entity(self._warehouse, declared.relation, declared.feed, wanted, {}),
            )
        return Changed(
            columns=columns,
            groups=f"select distinct * from ({all_groups})",
            rows=f"select * from {declared.relation}",
            condition=f"({', '.join(columns)}) in ({all_groups})",
        )

    def _changed_files(self, declared: Declared, changed: dict[str, int]) -> Changed:
        entities = self._run.entities
        staged = {
            f"stg_landing__{feed}": self._changes.rejects(feed, changed[feed])
            if feed in changed
            else self._changes.no_rejects(feed)
            for feed in self._run.feeds
        }
        return Changed(
            columns=("file", "raw_record"),
            groups=" union all ".join(f"({self._changes.files(*log)})" for log in changed.items()),
            rows=self._warehouse.views.over(declared.relation, staged),
            condition="(file in (select file from changed_groups where raw_record is null) or (file, raw_record) in"
            " (select file, raw_record from changed_groups where raw_record is not null))",
            of_records=True,
            in_partial_index=all(
                self._changes.was_only_released(feed, since)
                for feed, since in changed.items()
                if entities[feed].get("reference")
            ),
        )


def published_columns(warehouse: Warehouse, declared: Declared) -> list[tuple[str, str]]:
    """The columns of a published table and their SQLite types: those of its model, without those whose names begin with an
    underscore and the one that names the file."""
    return [
        (name, sqlite_type(declared, name, kind))
        for name, kind in warehouse.columns[declared.relation]
        if not name.startswith("_") and name != declared.file_by
    ]


def sqlite_type(declared: Declared, column: str, kind: str) -> str:
    """The SQLite type of a published column. Raises: ValueError."""
    if "CHAR" in kind:
        return "TEXT"
    if "INT" in kind or kind == "BOOLEAN":
        return "INTEGER"
    if kind in ("DOUBLE", "FLOAT"):
        return "REAL"
    raise ValueError(
        f"{declared.relation}.{column} cannot be published as {kind}; cast it to text, an integer or a double"
    )


def over_entity(
    warehouse: Warehouse, relation: str, feed: str, condition: str, others: dict[str, str]
) -> str:
    """A view over the rows of a feed's entity that meet a condition, which staged records and the entity's rows both can
    meet, as a query.

    Args:
        warehouse, relation, feed, condition: the view, its feed, and the condition.
        others: further relations and the queries to be read in their place.
    """
    views, staged = warehouse.views, f"stg_landing__{feed}"
    entity = views.over(feed, {staged: views.staged_rows(staged, condition)})
    return views.over(relation, {feed: f"select * from ({entity}) where {condition}", **others})

"""How one table is published: what is done with it, and the queries that fill it in the staging file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sluice.deliver.changes import Changes
from sluice.deliver.declared import Declared
from sluice.deliver.run import Run
from sluice.deliver.sqlite.spec import Table
from sluice.deliver.warehouse import Warehouse, listed


@dataclass(frozen=True)
class Changed:
    """The changed groups of a table since the published file's own batch.

    Attributes:
        columns: the table's columns that tell groups apart.
        groups: query that becomes the temporary table changed_groups.
        rows: query of the rows to send.
        condition: of the rows to send.
        keys: query that becomes the temporary table changed_keys before rows are read, or none.
        of_records: single records of a file may have changed, see spec.py, null_is_any.
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


NOTHING_CHANGED = Changed(columns=(), groups="", rows="")


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
        types = self._warehouse.columns[declared.relation]
        rendered = declared.rendered(types)
        columns = [(column.name, column.kind) for column in rendered]
        scope = self._scope(declared, [name for name, _ in columns])
        table = Table(
            name=declared.table,
            columns=tuple(columns),
            key=declared.key,
            indexes=declared.indexes,
            partial_index=("raw_record", self._changes.has_reference_reason())
            if declared.sends == "changed_files"
            else None,
            scope=scope,
        )
        conditions, source = [scope] if scope else [], declared.relation
        changed = None
        if first := self._first_day(declared):
            window = (
                f"{declared.event_date} >= '{first:%Y-%m-%d}'"  # the same for instants and for their text
            )
            table = replace(table, keep_where=window)
            conditions.append(window)
        elif present == columns:
            changed = self._changed(declared, seen)
            if changed is NOTHING_CHANGED:
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
        selected = ", ".join(f'{column.value} as "{column.name}"' for column in rendered)
        order = f" order by {', '.join(declared.key)}" if declared.key else ""
        rows = f"select {selected} from {source} where {' and '.join(conditions) or 'true'}{order}"
        return Plan(table, rows, changed)

    def _scope(self, declared: Declared, names: list[str]) -> str | None:
        """The rows that may be sent, of a table of several feeds of which some are held back."""
        held = [feed for feed in self._run.feeds if feed not in self._run.released]
        return (
            f"feed not in ({listed(held)})" if "feed" in names and held and not declared.every_run else None
        )

    def _first_day(self, declared: Declared) -> datetime | None:
        """The first day that the var publish_days leaves of a table, or None: the days are counted from the newest event that
        is not one of the future."""
        instant = declared.event_date
        if not instant or self._run.publish_days is None:
            return None
        newest = self._warehouse.rows(
            f"select coalesce(max({instant}) filter (where {instant} <= {self._run.future_begins}), max({instant}))"
            f" from {declared.relation}"
        )[0][0]
        return newest and newest - timedelta(days=self._run.publish_days - 1)

    def _changed(self, declared: Declared, seen: dict[str, int | None]) -> Changed | None:
        """What changed; NOTHING_CHANGED; or None when all rows have to be sent."""
        if not declared.sends:
            return None
        is_by_file = declared.sends == "changed_files"
        followed = self._run.released if is_by_file else [declared.own_feed, *declared.also_follows]
        changed: dict[str, int] = {}
        for log in followed:
            since = seen.get(log, 0 if log in declared.also_follows else None)
            if since is None:
                return None
            if self._warehouse.batches.get(log, 0) != since:
                changed[log] = since
        if not changed:
            return NOTHING_CHANGED
        if is_by_file:
            return self._changed_files(declared, changed)
        groups, columns = ", ".join(declared.changed_by.values()), tuple(declared.changed_by)
        sent = rendered_groups(self._warehouse, declared)
        is_by_key = declared.sends == "changed_keys"
        if is_by_key and not declared.also_follows:
            log = self._changes.rows(declared.own_feed, changed[declared.own_feed])
            came = f"select * exclude (sign) from ({log}) as changed where sign > 0"
            return Changed(
                columns=columns,
                groups=f"select distinct {sent} from ({log}) as changed",
                rows=self._warehouse.views.over(declared.relation, {declared.own_feed: came}),
            )
        logs = [f"from state.changed_{log} where batch_id > {since}" for log, since in changed.items()]
        all_sent = " union all ".join(f"select {sent} {log}" for log in logs)
        if is_by_key:
            wanted = "_key_hash in (select _key_hash from changed_keys)"
            return Changed(
                columns=columns,
                groups=f"select distinct * from ({all_sent})",
                keys=f"select distinct _key_hash from ({' union all '.join(f'select _key_hash {log}' for log in logs)})",
                rows=over_entity(self._warehouse, declared.relation, declared.own_feed, wanted, {}),
            )
        all_groups = " union all ".join(f"select {groups} {log}" for log in logs)
        return Changed(
            columns=columns,
            groups=f"select distinct * from ({all_sent})",
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


def rendered_groups(warehouse: Warehouse, declared: Declared) -> str:
    """What tells changed groups apart, as select items over the entity's log, as it is published."""
    types = warehouse.columns[declared.relation]
    return ", ".join(
        f'{declared.render(column, types, value)} as "{column}"'
        for column, value in declared.changed_by.items()
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

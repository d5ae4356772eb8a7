"""The tables of the lake."""

from dataclasses import dataclass

from sluice.deliver.changes import Changes
from sluice.deliver.declared import hashed, hashed_name
from sluice.deliver.run import Run
from sluice.deliver.warehouse import Warehouse

BUCKETS = ("minute", "hour", "day")
BUCKETED = {"service_events": "service_metrics", "tenant_events": "tenant_metrics"}
QUARANTINED = (
    "feed, file, reject_reasons[1] as reject_reason, reject_reasons, raw_record, loaded_at, ingest_date"
)


@dataclass(frozen=True)
class Added:
    """Of a table whose added rows can be told: queries of the partitions that rows only came to, and of the rows."""

    partitions: str
    query: str


@dataclass(frozen=True)
class LakeTable:
    """One table of the lake, as far as it belongs to a feed.

    Attributes:
        name: folder of the table below lake/.
        query: its rows, with the column of its partitions.
        changed: queries over the logs: the partitions that changed.
        file: name of the file in each partition: `data`, or the feed where several feeds share a table.
        partition: the column it is partitioned by.
        added: of a table whose added rows can be told.
        waiting: of a table some of whose rows may leave it at any time, a query of those; they have a file of their own, and
            the others are in query and added.
        by_load: query and waiting have a column _load_id as well.
    """

    name: str
    query: str
    changed: tuple[str, ...]
    file: str = "data"
    partition: str = "ingest_date"
    added: Added | None = None
    waiting: str | None = None
    by_load: bool = False

    @property
    def source(self) -> str:
        """What its files are of: clean/orders/data."""
        return f"{self.name}/{self.file}"


class LakeTables:
    """The tables of the lake, feed by feed."""

    def __init__(self, run: Run, warehouse: Warehouse) -> None:
        self._run, self._warehouse, self._changes = run, warehouse, Changes(run, warehouse)

    def of_feed(self, feed: str, since: int | None) -> list[LakeTable]:
        """The tables that a feed has rows in, as the lake reflects the feed's batch `since`; None: everything is written."""
        batch = -1 if since is None else since
        log = f"from state.changed_{feed} where batch_id > {batch}"
        rows_changed = f"select distinct ingest_date {log}"
        loads_changed = (
            "select distinct loads.ingest_date from state.changed_loads as changed"
            " inner join state.loads as loads on changed.load_id = loads.load_id"
            f" where changed.feed = '{feed}' and changed.batch_id > {batch}"
        )
        of_feed = f"where feed = '{feed}'"
        tables = [
            *self._clean(feed, log, rows_changed),
            self._quarantine(feed, since, loads_changed),
            LakeTable(
                "metrics/daily_metrics",
                f"select * from daily_metrics {of_feed}",
                (rows_changed, loads_changed),
                file=feed,
            ),
        ]
        if instant := self._run.instants.get(feed):
            days_changed = (f"select distinct cast({instant} as date) {log}",)
            hours = f"select * from hourly_events {of_feed}"
            tables.append(
                LakeTable("metrics/hourly_events", hours, days_changed, file=feed, partition="event_date")
            )
            for bucket in BUCKETS if feed in BUCKETED else ():
                model = f"{BUCKETED[feed]}_per_{bucket}"
                query = f"select *, cast({bucket} as date) as event_date from {model}"
                tables.append(LakeTable(f"metrics/{model}", query, days_changed, partition="event_date"))
        if feed == "orders":
            totals = "select * from daily_order_totals"
            tables.append(LakeTable("metrics/daily_order_totals", totals, (rows_changed,)))
        return tables

    def _clean(self, feed: str, log: str, changed: str) -> list[LakeTable]:
        """The clean records: of the models that say so, by `lake: {table: clean/…}` in their meta, which hold nothing
        personal but hashes; else of the feed's entity."""
        models = [
            node
            for node in self._run.nodes.values()
            if node["resource_type"] == "model"
            and node["config"]["meta"].get("lake")
            and node["config"]["meta"].get("feed") == feed
        ]
        if models:
            return [
                LakeTable(
                    node["config"]["meta"]["lake"]["table"],
                    f"select * exclude (_key_hash) from {node['alias']}",
                    (changed,),
                    by_load=True,
                )
                for node in sorted(models, key=lambda node: node["config"]["meta"]["lake"]["table"])
            ]
        columns = f"{', '.join(self._columns(feed))}, ingest_date"
        added = Added(
            partitions=f"select ingest_date {log} group by ingest_date having min(sign) > 0",
            query=f"select {columns} {log}",
        )
        query = f"select {columns}, _load_id from {feed}"
        return [LakeTable(f"clean/{feed}", query, (changed,), added=added, by_load=True)]

    def _columns(self, feed: str) -> list[str]:
        """The columns of an entity, as select items: personal data as *_key only."""
        return [
            f"{hashed(column)} as {hashed_name(column)}" if column in self._run.personal[feed] else column
            for column in self._run.entities[feed]["columns"]
        ]

    def _quarantine(self, feed: str, since: int | None, changed: str) -> LakeTable:
        rows = f"select {QUARANTINED}, _load_id from quarantine where feed = '{feed}' and "
        return LakeTable(
            f"quarantine/{feed}",
            f"{rows}not _is_waiting",
            (changed,),
            added=None if since is None else self._added_quarantine(feed, since),
            waiting=f"{rows}_is_waiting" if self._run.entities[feed].get("reference") else None,
            by_load=True,
        )

    def _added_quarantine(self, feed: str, since: int) -> Added:
        """What came since a batch, without what waits: with its load, or because it no longer waits for what it refers to."""
        staged = {f"stg_landing__{other}": self._changes.no_rejects(other) for other in self._run.feeds}
        staged[f"stg_landing__{feed}"] = self._changes.rejects(feed, since)
        over = self._warehouse.views.over("quarantine", staged)
        return Added(
            partitions=f"""
                select loads.ingest_date
                from state.changed_loads as changed
                inner join state.loads as loads on changed.load_id = loads.load_id
                where changed.feed = '{feed}' and changed.batch_id > {since}
                group by loads.ingest_date
                having
                  bool_and(not changed.is_moved or changed.load_id in (select load_id from state.current_loads))
                  and not exists (
                    select 1 from state.changed_references where feed = '{feed}' and batch_id > {since} and sign < 0
                  )""",
            query=f"select {QUARANTINED} from ({over}) as quarantined where not _is_waiting",
        )

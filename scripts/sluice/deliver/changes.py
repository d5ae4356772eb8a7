"""What changed in a feed since a batch, as SQL."""

from sluice.deliver.run import Run
from sluice.deliver.warehouse import Warehouse


class Changes:
    """The logs of the feeds, for outlets that send only what changed."""

    def __init__(self, run: Run, warehouse: Warehouse) -> None:
        self._run, self._warehouse = run, warehouse

    def rows(self, feed: str, since: int) -> str:
        """The rows that came into an entity or went since a batch, as a query: the entity's columns, ingest_date, _key_hash,
        and sign, 1 or -1. What one of several batches brought and another took back has not changed."""
        names = (*self._run.entities[feed]["columns"], "ingest_date", "_key_hash")
        columns, log = ", ".join(names), f"from state.changed_{feed} where batch_id > {since}"
        if self._warehouse.batches[feed] == since + 1:
            return f"select {columns}, sign {log}"
        return f"select {columns}, sum(sign) as sign {log} group by {columns} having sum(sign) != 0"

    def was_only_released(self, feed: str, since: int) -> bool:
        """Whether every record that changed its verdict with what it refers to was released: nothing became unknown, because
        then others changed too."""
        sent_back = f"from state.changed_references where feed = '{feed}' and batch_id > {since} and sign < 0"
        return not self._warehouse.once(f"select exists (select 1 {sent_back})")[0][0]

    def rejects(self, feed: str, since: int) -> str:
        """The staged records that broke rules of their own and whose place in quarantine changed since a batch, as a query
        to be read in the place of the staging model.

        Raw text is most of a record and is read block by block, so what was released comes from its log, unless something
        was sent back.
        """
        staged, reference = f"stg_landing__{feed}", self._run.entities[feed].get("reference")
        loads = f"select load_id from state.changed_loads where feed = '{feed}' and batch_id > {since} and is_moved"
        if not reference or not self.was_only_released(feed, since):
            is_changed = self._is_of(feed, loads, self._references(feed, since))
            return self._warehouse.views.staged_rows(staged, f"{is_changed} and _reject_reasons is not null")
        column = reference["column"]
        return (
            f"select _load_id, _line, {column}, _reject_reasons, _raw_record from {staged}"
            f" where rowid in (select rowid from {staged} where _load_id in ({loads}) and _reject_reasons is not null)"
            f" union all select load_id, null, null, reject_reasons, raw_record from state.released_records"
            f" where feed = '{feed}' and batch_id > {since} and reject_reasons is not null and load_id not in ({loads})"
        )

    def no_rejects(self, feed: str) -> str:
        """The same for a feed of which nothing changed."""
        return self._warehouse.views.staged_rows(f"stg_landing__{feed}", "false")

    def files(self, feed: str, since: int) -> str:
        """The files of a feed whose records came or went since a batch (raw_record null: all of them), and the records of
        other files that stood in quarantine for what they refer to, or do now: a query of file and raw_record."""
        moved = (
            "select distinct loads.file, cast(null as varchar) as raw_record"
            " from state.changed_loads as changed inner join state.loads as loads on changed.load_id = loads.load_id"
            f" where changed.feed = '{feed}' and changed.batch_id > {since} and changed.is_moved"
        )
        reference = self._run.entities[feed].get("reference")
        if not reference:
            return moved
        return (
            f"{moved} union all select distinct loads.file, records.raw_record from ("
            f"select load_id, raw_record from state.released_records where feed = '{feed}' and batch_id > {since}"
            f" union all select _load_id, raw_record from state.waiting_{feed}"
            f" where {reference['column']} in ({self._references(feed, since)})"
            ") as records inner join state.current_loads as loads on records.load_id = loads.load_id"
        )

    def has_reference_reason(self) -> str:
        """Whether the published reject_reasons of a record name the reason of any reference, as a condition for SQLite."""
        references = (self._run.entities[feed].get("reference") for feed in self._run.feeds)
        reasons = dict.fromkeys(reference["reason"] for reference in references if reference)
        return " or ".join(f"instr(reject_reasons, '{reason}')" for reason in reasons) or "false"

    def spans(self, table: str, feed: str, log: str) -> dict[str, str]:
        """Where the changed groups lie in the tables with buckets of the feed's instant that a model reads, or itself is, so
        that untouched row groups are never read.

        Args:
            table: unique id of the model.
            feed: the feed whose groups changed.
            log: SQL from `from` on: the changed rows of the feed's entity.
        Returns: table -> the query to be read in its place.
        """
        spans: dict[str, str] = {}
        instant = self._run.instants.get(feed)
        for unique_id in (table, *self._run.nodes[table]["depends_on"]["nodes"]) if instant else ():
            node = self._run.nodes.get(unique_id)
            if node is None or node["config"]["meta"].get("feed") != feed:
                continue
            meta = node["config"]["meta"]
            for column, bucket in meta.get("group_by", {}).items():
                if instant in bucket:
                    first, last = self._warehouse.once(f"select min({instant}), max({instant}) {log}")[0]
                    within = [bucket.replace(instant, f"timestamp '{at}'") for at in (first, last)]
                    condition = f"{column} between {within[0]} and {within[1]}" if first else "false"
                    spans[node["alias"]] = f"select * from {node['alias']} where {condition}"
        return spans

    def _references(self, feed: str, since: int) -> str:
        return f"select reference from state.changed_references where feed = '{feed}' and batch_id > {since}"

    def _is_of(self, feed: str, loads: str, references: str) -> str:
        """Whether a record belongs to the loads, or names one of the references, as a condition: one look-up where one of
        the queries has no rows, because DuckDB then finds a few records in half the time."""
        reference = self._run.entities[feed].get("reference")
        is_of_load = f"_load_id in ({loads})"
        if not reference:
            return is_of_load
        names_reference = f"{reference['column']} in ({references})"
        has_loads, has_references = self._warehouse.once(f"select exists ({loads}), exists ({references})")[0]
        if has_loads and has_references:
            return f"({is_of_load} or {names_reference})"
        return is_of_load if has_loads else names_reference

"""How a model says that it is published, and what becomes of its columns.

    meta:
      publish:
        sluice:                      the published file, or folder of files
          table: orders              by default the model's name
          key: [order_id]
          sends: changed_keys        which rows are sent; by default all are compared
          indexes: [[ordered_at]]
          event_date: ordered_at     the column that the var publish_days looks at
          columns: [order_id, …]     by default all in their order, but those that begin with an underscore, and those in
          without: [amount]
          sort_desc, facets          for pages, see serve/catalog.py

`Declared` tells of the rest. Columns are rendered by their type and by what their meta says: `pii` becomes a keyed hash, under
the name <column without _id>_key, and a timestamp with `bucket` is the first instant of one, in whole seconds.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

INSTANT, BUCKET, DATE = "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"

WHOLE_NUMBERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "BOOLEAN"}
"""Types whose values SQLite has integers for."""


@dataclass(frozen=True)
class Column:
    """A published column: its name, its SQLite type, and its value as SQL over the model's columns."""

    name: str
    kind: str
    value: str


@dataclass(frozen=True)
class Declared:
    """One published table.

    Attributes:
        unique_id, relation, kind: of its model; kind is its materialization.
        database: 'sluice', 'operations', or the name of a folder of files: 'tenants'.
        table: its name.
        feed: the feed whose rows it holds; None: it has a column `feed`, or belongs to no feed.
        key: primary key.
        indexes: further indexes.
        sends: 'changed_keys', of a rendering of the feed's entity, with its column _key_hash, by which changed rows are found;
            'changed_groups' or a mapping, for changed_by; 'changed_files': the rows of changed files are sent, and of files in
            which some records only changed their verdict with what they refer to, the rows of those records; '': all rows are
            compared.
        changed_by: column -> expression over state.changed_<feed>, for tables of which only changed rows are sent: the key,
            the model's meta group_by, or the mapping `sends`.
        also_follows: further logs (state.changed_<name>, never cut) whose rows are sent as well.
        event_date: the column that the var publish_days looks at.
        every_run: it is published after a failed run, too.
        file_by: of a folder of files, the column that names the file; it is no column of the published table.
        names_files: each file that there should be has rows in this table.
        columns: names of the model's columns that are published; empty: all.
        without: names of those that are not.
        values: column -> expression over the model's columns, where the column itself is not what is published.
        sort_desc, facets: for pages, see serve/catalog.py.
        metas: column -> its meta.
    """

    unique_id: str
    relation: str
    kind: str
    database: str
    table: str
    feed: str | None = None
    key: tuple[str, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    sends: str = ""
    changed_by: Mapping[str, str] = field(default_factory=dict)
    also_follows: tuple[str, ...] = ()
    event_date: str | None = None
    every_run: bool = False
    file_by: str = ""
    names_files: bool = False
    columns: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    sort_desc: str | None = None
    facets: tuple[str, ...] = ()
    metas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def own_feed(self) -> str:
        """The feed of a table of which only changed rows are sent. Raises: ValueError."""
        if self.feed is None:
            raise ValueError(
                f"{self.relation} is published by its changed rows, so its meta has to name its feed"
            )
        return self.feed

    def rendered(self, types: Mapping[str, str]) -> list[Column]:
        """The published columns. types: the model's columns and their types, in order. Raises: ValueError."""
        return [
            Column(
                self.published_name(name),
                self._kind(name, types[name]),
                self.render(name, types, self.values.get(name)),
            )
            for name in self.published_columns(types)
        ]

    def published_columns(self, names: Iterable[str]) -> Sequence[str]:
        """Which of the model's columns are published, in order."""
        left_out = {self.file_by, *self.without}
        return self.columns or [name for name in names if not name.startswith("_") and name not in left_out]

    def published_name(self, column: str) -> str:
        """The name of a column of the model in the published table."""
        return hashed_name(column) if self.metas.get(column, {}).get("pii") else column

    def render(self, column: str, types: Mapping[str, str], value: str | None = None) -> str:
        """A column, or another expression with its type, as it is published."""
        value, kind = value or column, types[column]
        if self.metas.get(column, {}).get("pii"):
            return hashed(value)
        if kind.startswith("TIMESTAMP"):
            is_bucket = self.metas.get(column, {}).get("bucket")
            return f"strftime({value}, '{BUCKET if is_bucket else INSTANT}')"
        if kind == "DATE":
            return f"cast({value} as varchar)"
        if kind.startswith("DECIMAL"):
            return f"cast({value} as double)"
        return f"cast(to_json({value}) as varchar)" if kind.endswith("[]") else value

    def as_published(self, column: str, documented: Mapping[str, Any]) -> str:
        """What a reader of the published table has to know besides the column's own description."""
        kind = (documented.get("data_type") or "").upper()
        if self.metas.get(column, {}).get("pii"):
            return "As a keyed hash, 64 hexadecimal digits, the same for the same value."
        if kind.startswith("TIMESTAMP"):
            fraction = "" if self.metas.get(column, {}).get("bucket") else ".ffffff"
            return f"As text, YYYY-MM-DDTHH:MM:SS{fraction}Z."
        if kind.startswith("DECIMAL"):
            return "Here the nearest floating-point number."
        if kind.endswith("[]"):
            return "As a JSON array."
        return {"DATE": "As text, YYYY-MM-DD.", "BOOLEAN": "0 or 1."}.get(kind, "")

    def _kind(self, column: str, kind: str) -> str:
        is_text = kind.startswith("TIMESTAMP") or kind.endswith("[]") or kind in ("VARCHAR", "DATE")
        if is_text or self.metas.get(column, {}).get("pii"):
            return "TEXT"
        if kind in WHOLE_NUMBERS:
            return "INTEGER"
        if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
            return "REAL"
        raise ValueError(
            f"{self.relation}.{column} has the type {kind}, which is not published; cast it to text"
        )


def hashed(column: str) -> str:
    """Personal data as it leaves: see the macro pii_hash."""
    return f"sha256(getvariable('pii_key') || chr(31) || {column})"


def hashed_name(column: str) -> str:
    """The name of a column of hashes: user_id becomes user_key."""
    return re.sub("_id$", "", column) + "_key"


def meta_of(node: Mapping[str, Any]) -> dict[str, Any]:
    """The meta of a node or a column, wherever its YAML has it."""
    return {**(node.get("meta") or {}), **((node.get("config") or {}).get("meta") or {})}


def declared_tables(nodes: Mapping[str, Mapping[str, Any]]) -> tuple[Declared, ...]:
    """The published tables of dbt's graph, in the order of their models' names."""
    ours = (node for node in nodes.values() if node["resource_type"] in ("model", "seed"))
    return tuple(table for node in sorted(ours, key=lambda node: node["name"]) for table in _tables_of(node))


def _tables_of(node: Mapping[str, Any]) -> Iterator[Declared]:
    meta = meta_of(node)
    for database, said in meta.get("publish", {}).items():
        file_by, sends = said.get("file_by", ""), said.get("sends", "")
        changed_by: Mapping[str, str] = sends if isinstance(sends, Mapping) else {}
        if sends == "changed_keys":
            changed_by = {name: name for name in ([file_by] if file_by else []) + said["key"][:1]}
        elif sends == "changed_groups":
            changed_by = meta["group_by"]
        yield Declared(
            unique_id=node["unique_id"],
            relation=node["alias"],
            kind=node["config"]["materialized"],
            database=database,
            table=said.get("table", node["name"]),
            feed=meta.get("feed"),
            key=tuple(said.get("key", ())),
            indexes=tuple(tuple(columns) for columns in said.get("indexes", ())),
            sends=sends if isinstance(sends, str) else "groups",
            changed_by=changed_by,
            also_follows=tuple(meta.get("also_follows", ())),
            event_date=said.get("event_date"),
            every_run=bool(said.get("every_run")),
            file_by=file_by,
            names_files=bool(said.get("names_files")),
            columns=tuple(said.get("columns", ())),
            without=tuple(said.get("without", ())),
            values=said.get("values", {}),
            sort_desc=said.get("sort_desc"),
            facets=tuple(said.get("facets", ())),
            metas={name: meta_of(column) for name, column in node["columns"].items()},
        )

"""How a model says that it is published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Declared:
    """One published table.

    Attributes:
        unique_id, relation, is_view: of its model.
        database: 'sluice', 'operations', or the name of a folder of files: 'tenants'.
        table: its name.
        feed: the feed whose rows it holds; None: it has a column `feed`, or belongs to no feed.
        key: primary key.
        indexes: further indexes.
        changed_by: column -> expression over state.changed_<feed>, for tables of which only changed rows are sent.
        by_key: it is a rendering of the feed's entity, with its column _key_hash, by which changed rows are found.
        also_follows: further logs (state.changed_<name>, never cut) whose rows are sent as well.
        by_file: the rows of changed files are sent; of files in which some records only changed their verdict with what
            they refer to, the rows of those records.
        event_date: the column that the var publish_days looks at.
        every_run: it is published after a failed run, too.
        file_by: of a folder of files, the column that names the file; it is no column of the published table.
        names_files: each file that there should be has rows in this table.
    """

    unique_id: str
    relation: str
    is_view: bool
    database: str
    table: str
    feed: str | None = None
    key: tuple[str, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    changed_by: Mapping[str, str] = field(default_factory=dict)
    by_key: bool = False
    also_follows: tuple[str, ...] = ()
    by_file: bool = False
    event_date: str | None = None
    every_run: bool = False
    file_by: str = ""
    names_files: bool = False


def declared_tables(nodes: Mapping[str, Mapping[str, Any]]) -> tuple[Declared, ...]:
    """The published tables of dbt's graph, in the order of their models' names."""
    return tuple(
        Declared(
            unique_id=node["unique_id"],
            relation=node["alias"],
            is_view=node["config"]["materialized"] == "view",
            database=published["database"],
            table=published["table"],
            feed=node["config"]["meta"].get("feed"),
            key=tuple(published.get("key", ())),
            indexes=tuple(tuple(columns) for columns in published.get("indexes", ())),
            changed_by=published.get("changed_by", {}),
            by_key=bool(published.get("by_key")),
            also_follows=tuple(published.get("also_follows", ())),
            by_file=bool(published.get("by_file")),
            event_date=published.get("event_date"),
            every_run=bool(published.get("every_run")),
            file_by=published.get("file_by", ""),
            names_files=bool(published.get("names_files")),
        )
        for node in sorted(nodes.values(), key=lambda node: node["name"])
        if node["resource_type"] == "model" and (published := node["config"]["meta"].get("published"))
    )

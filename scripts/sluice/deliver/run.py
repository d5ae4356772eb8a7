"""What dbt tells of the run that just ended, and which feeds may be delivered after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sluice.deliver.declared import Declared, declared_tables

GOOD = frozenset({"success", "pass", "warn", "no-op"})
EVERY_FEED = "every feed"


@dataclass(frozen=True)
class Result:
    """How one node of the run ended.

    Attributes:
        unique_id, kind, name, status: of the node; kind is dbt's resource_type.
        feed: the feed in the node's own meta, or None.
        is_published: whether the node is a table that consumers see.
        depends_on: unique ids of what it reads.
    """

    unique_id: str
    kind: str
    name: str
    status: str
    feed: str | None = None
    is_published: bool = False
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """A run and its project.

    Attributes:
        results: how its nodes ended.
        nodes: dbt's graph, unique id -> node.
        feeds: all feeds.
        touched: the feeds that the run is about (var touched_feeds); empty: all.
        publish_days: the var of that name.
        build: the row of `_build` in every file that this run writes.
        instants: feed -> the column of its entity that holds the instant.
        future_begins: the instant after which an event is one of the future, as SQL; None without publish_days.
        entities: feed -> the declaration of its entity (macro entity).
        personal: feed -> the columns that are personal data.
    """

    results: tuple[Result, ...]
    nodes: Mapping[str, Mapping[str, Any]]
    feeds: tuple[str, ...]
    touched: tuple[str, ...] = ()
    publish_days: int | None = None
    build: Mapping[str, str] = field(default_factory=dict)
    instants: Mapping[str, str] = field(default_factory=dict)
    future_begins: str | None = None
    entities: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    personal: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def from_dbt(cls, given: Mapping[str, Any]) -> "Run":
        """Read what the macro deliver hands over."""
        days = given["publish_days"]
        return cls(
            results=tuple(
                Result(
                    result["unique_id"],
                    result["kind"],
                    result["name"],
                    str(result["status"]),
                    result["meta"].get("feed"),
                    bool(result["meta"].get("publish")),
                    tuple(result["depends_on"]),
                )
                for result in given["results"]
            ),
            nodes=given["nodes"],
            feeds=tuple(given["feeds"]),
            touched=tuple(given["touched_feeds"] or ()),
            publish_days=None if days is None else int(days),
            build=given["build"],
            instants=given["instants"],
            future_begins=given["future_begins"],
            entities=given["entities"],
            personal=given["personal"],
        )

    @cached_property
    def tables(self) -> tuple[Declared, ...]:
        """The published tables, in the order of their models' names."""
        return declared_tables(self.nodes)

    @cached_property
    def released(self) -> list[str]:
        """The feeds whose tables may be delivered: no published model of theirs failed or was skipped, and no test of
        theirs failed. A test holds back the feed named in its own meta; without one, the feeds of what it reads, and every
        feed when one of those belongs to none. A run that is about some feeds releases no other."""
        held: set[str] = set()
        for result in self.results:
            if result.status in GOOD:
                continue
            if result.kind in ("model", "seed"):
                if result.is_published:
                    held.add(result.feed or EVERY_FEED)
            elif result.feed or not result.depends_on:
                held.add(result.feed or EVERY_FEED)
            else:
                held.update(self._feed_of(unique_id) for unique_id in result.depends_on)
        return [feed for feed in self.touched or self.feeds if feed not in held and EVERY_FEED not in held]

    def _feed_of(self, unique_id: str) -> str:
        node = self.nodes.get(unique_id)
        return (node["config"]["meta"].get("feed") if node else None) or EVERY_FEED

    @cached_property
    def built(self) -> frozenset[str]:
        """Unique ids of the models that reflect this run: those built in it; seeds, which are as their files are; and, in a run
        that is about some feeds, the published views of these feeds and of none, which such a run leaves standing."""
        built = {result.unique_id for result in self.results if result.status == "success"}
        failed = {result.unique_id for result in self.results} - built
        standing = {
            table.unique_id
            for table in self.tables
            if table.kind == "seed"
            or (table.kind == "view" and table.feed in (None, *self.touched) and self.touched)
        }
        return frozenset(built | (standing - failed))

    def has_built(self, name: str) -> bool:
        """Whether this run built the model of that name."""
        return any(result.name == name and result.status == "success" for result in self.results)

    def is_built(self, feed: str, database: str) -> bool:
        """Whether the feed's tables in a database were all built, so that they reflect its last change."""
        return all(
            table.unique_id in self.built
            for table in self.tables
            if table.database == database and not table.every_run and table.feed in (None, feed)
        )

    @cached_property
    def delivered_feeds(self) -> list[str]:
        """The feeds whose tables and files may all be brought up to date: released, and each published model built."""
        databases = {table.database for table in self.tables}
        return [
            feed for feed in self.released if all(self.is_built(feed, database) for database in databases)
        ]

    def tests_per_feed(self) -> dict[str, dict[str, int]]:
        """The data tests of the run: feed, or `every feed` -> {run, failed}. A test that warns counts as failed."""
        counts = {feed: {"run": 0, "failed": 0} for feed in (EVERY_FEED, *self.feeds)}
        for result in self.results:
            if result.kind == "test" and result.status in ("pass", "fail", "warn", "error"):
                count = counts[result.feed or EVERY_FEED]
                count["run"] += 1
                count["failed"] += result.status != "pass"
        return counts

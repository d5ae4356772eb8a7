"""What a build of some feeds runs, in dbt's own words, so that models added later are part of it by themselves."""

from collections.abc import Collection, Iterable
from typing import Any


class Project:
    """What one parsed project says about its feeds."""

    def __init__(self, manifest: Any, feeds: Collection[str]) -> None:
        """`manifest`: what `dbt parse` returns; `feeds`: the var of that name."""
        self.feeds = frozenset(feeds)
        self._refers_to: dict[str, str] = {}
        for node in manifest.nodes.values():
            reference = (node.config.meta.get("entity") or {}).get("reference")
            if reference:
                self._refers_to[node.config.meta["feed"]] = reference["entity"]

    def touched(self, changed: Iterable[str]) -> list[str]:
        """The feeds whose tables may change with those feeds: also feeds that refer to one of their entities."""
        touched = set(changed)
        while found := {feed for feed, entity in self._refers_to.items() if entity in touched} - touched:
            touched |= found
        return sorted(touched)

    def selection(self, changed: Collection[str]) -> list[str]:
        """The arguments by which dbt builds the changed feeds.

        Tables downstream of their staging models, and every data test downstream that belongs to a touched feed or to
        none. Views stand. Tests of code alone (seeds, truth tables) and what only reports read wait for a whole build, as
        reports do.
        """
        others = sorted(self.feeds - set(self.touched(changed)))
        return [
            *("--select", "stg_landing__files", *(f"stg_landing__{feed}+" for feed in sorted(changed))),
            *(
                "--exclude",
                "config.materialized:view",
                "tag:reports",
                *(f"config.meta.feed:{feed}" for feed in others),
            ),
            *("--indirect-selection", "empty"),
        ]

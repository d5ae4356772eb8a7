"""The columns of each feed, and the further names a column may arrive under."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from sluice.home import PROJECT_ROOT

CONTRACT_COLUMNS: dict[str, tuple[str, ...]] = {
    "service_events": (
        "event_id", "service", "event_type", "timestamp", "latency_ms", "status_code",
        "user_id", "schema_version",
    ),
    "customers": ("customer_id", "email", "country", "created_at"),
    "product_events": (
        "event_id", "customer_id", "event_type", "event_time", "platform", "session_id", "duration_ms",
    ),
    "orders": ("order_id", "customer_id", "order_time", "amount", "currency", "status"),
    "tenant_events": (
        "event_id", "tenant_id", "source", "event_type", "timestamp", "schema_version", "payload",
    ),
    "transactions": ("id", "description", "amount", "timestamp", "merchant", "operation_type", "side"),
}  # fmt: skip
"""What the contract says; a feed described in the project's sources is taken from there."""


@dataclass(frozen=True)
class Feed:
    """A feed's columns in order, and alias → column."""

    name: str
    columns: tuple[str, ...]
    aliases: dict[str, str]


@cache
def _described(root: Path) -> dict[str, Feed]:
    """The feeds that the staging sources describe."""
    feeds: dict[str, Feed] = {}
    for path in sorted((root / "models" / "staging").rglob("_*__sources.yml")):
        for source in (yaml.safe_load(path.read_text()) or {}).get("sources") or []:
            for table in source.get("tables") or []:
                columns, aliases = [], {}
                for column in table.get("columns") or []:
                    if column["name"].startswith("_"):
                        continue
                    columns.append(column["name"])
                    meta = (column.get("config") or {}).get("meta") or column.get("meta") or {}
                    aliases.update(
                        {alias.strip().lower(): column["name"] for alias in meta.get("aliases") or []}
                    )
                if columns:
                    feeds[table["name"]] = Feed(table["name"], tuple(columns), aliases)
    return feeds


def known_feeds() -> list[str]:
    """Every feed a stream can land in."""
    return sorted(set(CONTRACT_COLUMNS) | set(_described(PROJECT_ROOT)))


def feed_named(name: str) -> Feed:
    """The feed of that name. Raises ValueError, naming the feeds there are."""
    described = _described(PROJECT_ROOT).get(name)
    if described:
        return described
    if name not in CONTRACT_COLUMNS:
        raise ValueError(f"unknown feed {name!r}; known are {', '.join(known_feeds())}")
    return Feed(name, CONTRACT_COLUMNS[name], {})

"""Tenants' events to deliver, and what is published of them."""

import json
import sqlite3
from contextlib import closing
from typing import Any

from tests.pipeline.harness import DataHome, csv_text

COLUMNS = ["event_id", "tenant_id", "source", "event_type", "timestamp", "schema_version", "payload"]
FEED = (
    "--indirect-selection", "cautious", "--select", "stg_landing__files", "stg_landing__tenant_events",
    *(f"path:models/{area},resource_type:model" for area in ("intermediate/tenant_events", "marts/tenants")),
    "reject_reasons",
)  # fmt: skip
"""What a build of this feed alone selects."""


def event(tenant: str, number: int, **changes: Any) -> list[object]:
    """One raw record of version 2, an order of 1.10."""
    payload = {"amount": 1.1, "product": {"id": f"p{number}"}, "tags": ["new", f"t{number}"]}
    whole = {
        "event_id": f"e{number}",
        "tenant_id": tenant,
        "source": "web",
        "event_type": "order",
        "timestamp": f"2026-01-{number % 28 + 1:02}T10:{number % 60:02}:00Z",
        "schema_version": 2,
        "payload": changes.pop("payload", payload),
        **changes,
    }
    if not isinstance(whole["payload"], str):
        whole["payload"] = json.dumps(whole["payload"])
    return [whole[column] for column in COLUMNS]


def deliver(home: DataHome, file: str, events: list[list[object]], modified: float | None = None) -> None:
    """A landing file of tenants' events."""
    home.write(f"tenant_events/ingest_date=2026-02-01/{file}", csv_text(COLUMNS, events), modified)


def names(home: DataHome) -> list[str]:
    """The tenants that have a file."""
    return sorted(path.stem for path in (home.root / "published" / "tenants").glob("*.db"))


def contents(home: DataHome) -> dict[str, dict[str, list[tuple]]]:
    """Every tenant's tables."""
    return {name: home.published(f"tenants/{name}") for name in names(home)}


def builds(home: DataHome) -> dict[str, tuple[str, int]]:
    """Which build each tenant's file holds, and when it was written last."""
    found = {}
    for name in names(home):
        path = home.root / "published" / "tenants" / f"{name}.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            found[name] = (db.execute("select build_id from _build").fetchone()[0], path.stat().st_mtime_ns)
    return found


def changed(before: dict[str, tuple[str, int]], after: dict[str, tuple[str, int]]) -> set[str]:
    """Tenants whose file holds another build now, or was written, or came, or went."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}

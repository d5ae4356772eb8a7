"""A service on a home of its own, for the tests of the write side."""

import csv
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from sluice.home import Home
from sluice.ingest.app import create_app
from sluice.ingest.service import Service
from sluice.ingest.settings import Settings
from sluice.tokens import Tokens

ROLES = {
    "acme-token": "role: tenant, tenant_id: acme",
    "beta-token": "role: tenant, tenant_id: beta",
    "operator-token": "role: operator",
    "admin-token": "role: admin",
    "expired-token": "role: tenant, tenant_id: acme, expires: 2020-01-01",
}


def token_file(folder: Path) -> Path:
    path = folder / "tokens.yml"
    lines = (
        f"  - {{sha256: '{hashlib.sha256(token.encode()).hexdigest()}', {rest}}}"
        for token, rest in ROLES.items()
    )
    path.write_text("\n".join(["tokens:", *lines]))
    return path


def home_of(folder: Path) -> Home:
    return Home(root=folder, landing=folder / "landing", published=folder / "published")


@contextmanager
def running(folder: Path, tokens: bool = True, **settings: Any) -> Iterator[tuple[TestClient, Service]]:
    """The application in this process; everything has landed when the block ends."""
    chosen = Settings(**{"min_free_bytes": 0, "segment_seconds": 0.05, **settings})
    service = Service(home_of(folder), chosen, Tokens(token_file(folder) if tokens else None))
    service.start()
    try:
        with TestClient(create_app(service), raise_server_exceptions=False) as client:
            yield client, service
    finally:
        service.close()


def an_event(event_id: str = "e1", **changes: Any) -> dict[str, Any]:
    event = {
        "event_id": event_id,
        "source": "web",
        "event_type": "click",
        "timestamp": "2026-01-15T10:30:00Z",
        "payload": {"amount": "12.50"},
    }
    return {name: value for name, value in {**event, **changes}.items() if value is not ...}


def landed(folder: Path) -> list[dict[str, str]]:
    """Every row of every landing file, in the order of the files' names."""
    rows = []
    for path in sorted((folder / "landing" / "tenant_events").glob("ingest_date=*/*.csv")):
        with path.open(newline="", encoding="utf-8") as lines:
            rows += csv.DictReader(lines)
    return rows


def wait_for(true: Any, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)

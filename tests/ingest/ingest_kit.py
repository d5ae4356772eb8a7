"""A service on a home of its own, for the tests of the write side."""

import csv
import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from sluice.home import Home
from sluice.ingest.app import create_app
from sluice.ingest.server import make_server
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
def running(folder: Path, tokens: bool = True, **settings: Any) -> Iterator[tuple[httpx.Client, Service]]:
    """The service, its own server in a thread, and a client; everything has landed when the block ends."""
    chosen = Settings(**{"min_free_bytes": 0, "segment_seconds": 0.05, **settings})
    service = Service(home_of(folder), chosen, Tokens(token_file(folder) if tokens else None))
    service.start()
    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server(create_app(service))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=base, trust_env=False, timeout=60) as client:
            yield client, service
    finally:
        server.should_exit = True
        thread.join()
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


def wait_for(true: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def post(client: Any, path: str, body: Any, token: str | None = "acme-token", **headers: str) -> Any:
    content = body if isinstance(body, bytes | str) or hasattr(body, "__next__") else json.dumps(body)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return client.post(path, content=content, headers=headers)


def refused(answer: Any, status: int, *words: str) -> dict[str, Any]:
    body = answer.json()
    assert answer.status_code == status, body
    assert body["ok"] is False and body["status"] == status
    for word in words:
        assert word in body["error"]
    return body

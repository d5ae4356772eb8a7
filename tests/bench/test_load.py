"""What drives the benchmarks over HTTP: it counts every answer, and waiting that a slow server causes."""

import asyncio
import csv
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sluice.bench import tenants
from sluice.bench.ingest import posts
from sluice.bench.load import Load, get


@contextmanager
def server(body: bytes = b"{}", status: int = 200, seconds: float = 0.0) -> Iterator[int]:
    """Answers everything the same way, after so many seconds. Gives its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(seconds)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        try:
            yield running.server_port
        finally:
            running.shutdown()


def test_every_connection_asks_again_and_again() -> None:
    seen: list[tuple[int, bytes]] = []
    load = Load(lambda number: get(f"/{number}"), 3, 0.3)
    load.answered = lambda number, due_at, body: seen.append((number, body))
    with server(b'{"a": 1}') as port:
        asyncio.run(load.drive(port))
    assert sorted(seen) == [(number, b'{"a": 1}') for number in range(len(seen))]
    assert len(load.latencies) == len(seen) > 3
    assert load.figures()["requests"] == len(seen)


def test_a_request_that_has_to_wait_for_its_turn_counts_from_when_it_was_due() -> None:
    load = Load(lambda number: get("/"), 1, 0.2, rate=100)
    with server(seconds=0.03) as port:
        asyncio.run(load.drive(port))
    assert len(load.latencies) == 20
    assert load.latencies[-1] > 20 * 0.03 - 0.2  # sent every 0.03 s at best, due every 0.01 s
    assert load.took >= 20 * 0.03


def test_what_is_refused_is_counted_apart() -> None:
    load = Load(lambda number: get("/"), 2, 0.1, rate=100)
    with server(status=429) as port:
        asyncio.run(load.drive(port))
    assert load.refused == {429: 10}
    assert load.latencies == []
    assert load.figures() | {"refused": {429: 10}, "requests": 0} == load.figures()


@pytest.mark.parametrize("size", [None, 3])
def test_posts_have_ids_of_their_own_and_the_tokens_in_turn(size: int | None) -> None:
    request = posts(["one", "two"], "x", size, now=True)
    head, _, body = request(3).partition(b"\r\n\r\n")
    assert b"Authorization: Bearer two" in head
    assert f"Content-Length: {len(body)}".encode() in head
    events = json.loads(body)["events"] if size else [json.loads(body)]
    assert [event["event_id"] for event in events] == (["x-3-0", "x-3-1", "x-3-2"] if size else ["x-3"])
    assert all("@" not in event["timestamp"] for event in events)


def test_an_event_is_visible_once_as_many_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenants, "PATIENCE_SECONDS", 0.1)
    now = time.time()
    watched = tenants.Watched("/metrics", "token", posted_at=[now - 5, now - 3, now - 1])
    rows = [{"event_count": tenants.FRESH_EVENTS}, {"event_count": tenants.FRESH_EVENTS}]
    with server(json.dumps({"rows": rows}).encode()) as port:
        asyncio.run(watched.follow(port, now))
    first, second = watched.ages
    assert first - second == pytest.approx(2)
    assert second >= 3


def test_the_history_is_spread_over_tenants_and_days(tmp_path: Path) -> None:
    tenants.write_history(tmp_path, 1_000, 7)
    files = sorted((tmp_path / "tenant_events").glob("ingest_date=*/past.csv"))
    assert len(files) == tenants.HISTORY_DAYS
    rows = [row for file in files for row in csv.DictReader(file.open(newline=""))]
    assert len({row["event_id"] for row in rows}) == 1_000
    assert max(Counter(row["tenant_id"] for row in rows).values()) == 143
    assert all(json.loads(row["payload"])["user"]["id"] for row in rows)
    assert all(row["timestamp"][:10] in str(file) for file in files for row in csv.DictReader(file.open()))

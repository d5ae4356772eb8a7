"""`scripts/ingest` as a process: killed under load, stopped, started twice, on a full disk."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from ingest_kit import an_event, landed, token_file, wait_for

from sluice.home import PROJECT_ROOT

INGEST = str(PROJECT_ROOT / "scripts" / "ingest")


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    tokens = {"SLUICE_TOKENS_FILE": str(token_file(home)), "SLUICE_INGEST_MIN_FREE_BYTES": "0"}
    return {**kept, **tokens, "SLUICE_HOME": str(home), **more}


class Server:
    """One process and where it listens."""

    def __init__(self, home: Path, **options: Any) -> None:
        self.log = home / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [INGEST, "--port", "0"], env=environment(home), stderr=log, **options
            )
        wait_for(lambda: self.process.poll() is not None or self.lines("listening"), 60)
        assert self.process.poll() is None, self.log.read_text()
        self.url = self.lines("listening")[0]["url"]

    def lines(self, event: str) -> list[dict[str, Any]]:
        text = self.log.read_text()
        found = [
            json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")
        ]
        return [line for line in found if line["event"] == event]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def post(self, path: str, body: Any, token: str = "acme-token") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.post(self.url + path, json=body, headers=headers, trust_env=False, timeout=10)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


async def client(http: httpx.AsyncClient, name: str, acknowledged: list[str]) -> None:
    """Sends ids of its own, singly and in bulk, until the server is gone."""
    number = 0
    while True:
        number += 1
        ids = [f"{name}-{number}-{index}" for index in range(1 if number % 3 else 50)]
        events = [an_event(one) for one in ids]
        try:
            if len(events) == 1:
                answer = await http.post("/events", json=events[0])
            else:
                answer = await http.post("/events/bulk", json={"events": events})
        except httpx.HTTPError:
            return
        assert answer.status_code in (200, 201)
        acknowledged += ids


async def load_and_kill(server: Server, name: str, acknowledged: list[str], enough: int) -> None:
    """Twenty clients at once; the server is killed as soon as so many events have been acknowledged."""
    options = {"headers": {"Authorization": "Bearer acme-token"}, "trust_env": False, "timeout": 30}
    before = len(acknowledged)
    async with httpx.AsyncClient(base_url=server.url, **options) as http:  # type: ignore[arg-type]
        clients = [
            asyncio.create_task(client(http, f"{name}-{number}", acknowledged)) for number in range(20)
        ]
        while len(acknowledged) - before < enough and not all(one.done() for one in clients):
            await asyncio.sleep(0.005)
        server.process.kill()
        await asyncio.gather(*clients)


def test_killed_under_load_every_acknowledged_event_lands_exactly_once(home: Path) -> None:
    acknowledged: list[str] = []
    for round_, enough in enumerate((200, 800, 2_000)):
        server = Server(home)
        asyncio.run(load_and_kill(server, f"r{round_}", acknowledged, enough))
        assert server.process.wait(30) == -signal.SIGKILL
        for path in (home / "landing").rglob("*"):
            assert path.is_dir() or path.read_bytes().endswith(b"\n")
    after = Server(home)
    assert after.stop() == 0
    counts = Counter(row["event_id"] for row in landed(home))
    assert len(acknowledged) >= 3_000
    assert {name: counts[name] for name in acknowledged if counts[name] != 1} == {}
    assert not list((home / "ingest").glob("*.segment"))


def test_stopping_lands_everything_and_exits_0(home: Path) -> None:
    server = Server(home)
    assert server.post("/events", an_event()).status_code == 201
    assert server.stop() == 0
    assert [row["event_id"] for row in landed(home)] == ["e1"]
    assert server.lines("stopped") and server.lines("landed")[0]["events"] == 1


def test_an_open_segment_becomes_a_file_within_seconds(home: Path) -> None:
    server = Server(home)
    server.post("/events", an_event())
    wait_for(lambda: landed(home))
    assert server.stop() == 0


def test_a_second_one_on_the_same_home_is_refused(home: Path) -> None:
    server = Server(home)
    second = subprocess.run(
        [INGEST, "--port", "0"], env=environment(home), capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 1
    assert "another scripts/ingest" in second.stderr and str(server.process.pid) in second.stderr
    assert server.post("/events", an_event()).status_code == 201
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "more", "code", "word"),
    [
        (["--host", "0.0.0.0"], {}, 1, "SLUICE_PII_KEY"),
        (["--host", "no.such.host.invalid"], {}, 1, "cannot listen on no.such.host.invalid"),
        ([], {"SLUICE_INGEST_RATE": "fast"}, 1, "SLUICE_INGEST_RATE=fast"),
        ([], {"SLUICE_INGEST_RATE": "-1"}, 1, "SLUICE_INGEST_RATE=-1"),
        ([], {"SLUICE_LOG_LEVEL": "loud"}, 1, "SLUICE_LOG_LEVEL"),
        (["--port", "70000"], {}, 2, "0 to 65535"),
        (["--port", "x"], {}, 2, "0 to 65535"),
        (["--colour"], {}, 2, "usage"),
    ],
)
def test_what_cannot_run_says_why(
    home: Path, arguments: list[str], more: dict[str, str], code: int, word: str
) -> None:
    command = [INGEST, "--port", "0", *arguments]
    done = subprocess.run(command, env=environment(home, **more), capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_says_so(home: Path) -> None:
    server = Server(home)
    port = server.url.rpartition(":")[2]
    other = home.parent / "other"
    other.mkdir()
    done = subprocess.run(
        [INGEST, "--port", port], env=environment(other), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1 and f"port {port}" in done.stderr and "in use" in done.stderr
    assert server.stop() == 0


def test_help_names_every_variable() -> None:
    done = subprocess.run([INGEST, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    for name in ("SLUICE_HOME", "SLUICE_TOKENS_FILE", "SLUICE_PII_KEY", "SLUICE_INGEST_RATE", "8002"):
        assert name in done.stdout


def test_files_that_may_not_grow_are_503_and_what_was_acknowledged_stays(home: Path) -> None:
    """A limit on the size of files stands for the full disk: the write fails in the middle of a frame."""
    limit = 60_000
    server = Server(home, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    acknowledged, refused, sent = [], 0, 0
    until = time.monotonic() + 1.5
    while time.monotonic() < until or not (acknowledged and refused):
        assert time.monotonic() < until + 30, "the limit was never met"
        sent += 1
        # Every other one is larger than the limit, so that it is met however slowly requests come.
        ids = [f"n{sent}-{index}" for index in range(100 if sent % 2 else 2_000)]
        answer = server.post("/events/bulk", {"events": [an_event(one) for one in ids]})
        if answer.status_code == 200:
            acknowledged += ids
        else:
            assert answer.status_code == 503 and "retry-after" in answer.headers
            refused += 1
    server.stop()
    after = Server(home)
    assert after.stop() == 0
    counts = Counter(row["event_id"] for row in landed(home))
    assert all(counts[name] == 1 for name in acknowledged)


def test_posts_at_once_from_twenty_clients_with_the_same_id_are_all_accepted(home: Path) -> None:
    server = Server(home)

    async def twenty() -> list[httpx.Response]:
        headers = {"Authorization": "Bearer acme-token"}
        async with httpx.AsyncClient(
            base_url=server.url, headers=headers, trust_env=False, timeout=10
        ) as http:
            return await asyncio.gather(*(http.post("/events", json=an_event("same")) for _ in range(20)))

    assert [answer.status_code for answer in asyncio.run(twenty())] == [201] * 20
    assert server.stop() == 0
    assert [row["event_id"] for row in landed(home)] == ["same"] * 20

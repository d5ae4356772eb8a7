"""Slow, silent and oversized clients lose their connection; everybody else is served meanwhile. On both servers."""

import contextlib
import re
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from sluice.home import PROJECT_ROOT
from sluice.http_limits import BATCH, LimitedServer, Limits, limit

from .conftest import Served, environment_of, tokens_yaml
from .published import publish

HALF_HEAD = b"GET /health HTTP/1.1\r\nHost: here\r\nX-More: "
HALF_BODY = b"POST /sign-in HTTP/1.1\r\nHost: here\r\nContent-Length: 5000\r\n\r\ntoken="
SHORT = Limits(head_seconds=2, body_seconds=3, stall_seconds=2, head_bytes=4096, connections=8)
LARGE_BYTES = 20 * 1024 * 1024


@dataclass
class Small:
    """A server with short limits, in this process."""

    port: int
    server: uvicorn.Server

    def connect(self, first: bytes = b"", receive_buffer: int = 0) -> socket.socket:
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(15)
        client.connect(("127.0.0.1", self.port))
        client.sendall(first)
        return client

    def is_well(self) -> bool:
        return httpx.get(f"http://127.0.0.1:{self.port}/", timeout=5).status_code == 200


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """`/large` gives 20 MB in parts, `/body` waits for the body, anything else is answered at once."""
    while scope["path"] == "/body" and (await receive()).get("more_body"):
        pass
    parts = LARGE_BYTES // 65536 if scope["path"] == "/large" else 1
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(parts):
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture(params=["asyncio", "uvloop"])
def small(request: pytest.FixtureRequest) -> Iterator[Small]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(
        answer,
        http=limit(SHORT),
        ws="none",
        lifespan="off",
        log_level="critical",
        loop=request.param,
        backlog=BATCH,
        timeout_graceful_shutdown=1,
    )
    server = LimitedServer(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield Small(listener.getsockname()[1], server)
    server.should_exit = True
    thread.join()


def seconds_until_closed(client: socket.socket, drip: bytes = b"", read: bool = True) -> float:
    """How long the server keeps the connection, while a byte goes out every fifth of a second."""
    began = time.monotonic()
    client.settimeout(0.2)
    while time.monotonic() - began < 15:
        try:
            client.sendall(drip)
            if read and client.recv(65536) == b"":
                break
            if not read:
                time.sleep(0.2)
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


def test_half_a_head_ends_at_its_deadline_however_it_drips(small: Small) -> None:
    for first, drip in (
        (b"", b""),
        (HALF_HEAD, b""),
        (HALF_HEAD, b"x"),
        (b"", b"\r\n"),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
    ):
        assert 1 < seconds_until_closed(small.connect(first), drip) < 8, (first, drip)
    assert small.is_well()


def test_half_a_body_ends_at_its_deadline_whether_it_is_read_or_not(small: Small) -> None:
    for path in (b"/body", b"/"):
        head = b"POST %s HTTP/1.1\r\nHost: here\r\nContent-Length: 50000\r\n\r\n" % path
        assert 2 < seconds_until_closed(small.connect(head), b"x") < 9
    assert small.is_well()


def test_a_client_that_stops_reading_is_cut_off(small: Small) -> None:
    client = small.connect(b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n", receive_buffer=4096)
    small.connect(b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n", receive_buffer=4096)
    deadline = time.monotonic() + 12
    while small.server.server_state.connections and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not small.server.server_state.connections
    assert not small.server.server_state.tasks
    client.close()


def test_a_slow_reader_that_goes_on_reading_gets_everything(small: Small) -> None:
    client = small.connect(
        b"GET /large HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", receive_buffer=65536
    )
    taken, began = 0, time.monotonic()
    while part := client.recv(65536):
        taken += len(part)
        if time.monotonic() - began < 6:
            time.sleep(0.02)
    assert taken > LARGE_BYTES
    assert time.monotonic() - began > 5, "longer than any of the limits"


@pytest.mark.parametrize("shape", ["one header", "many headers", "address", "endless header"])
def test_a_large_head_is_refused(small: Small, shape: str) -> None:
    head = {
        "one header": b"GET / HTTP/1.1\r\nHost: here\r\nX: " + b"x" * 5000 + b"\r\n\r\n",
        "many headers": b"GET / HTTP/1.1\r\nHost: here\r\n" + b"X: xxxxxxx\r\n" * 500 + b"\r\n",
        "address": b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
        "endless header": b"GET / HTTP/1.1\r\nHost: here\r\nX: " + b"x" * 100_000,
    }[shape]
    client = small.connect()
    with contextlib.suppress(OSError):
        client.sendall(head)
    answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 431")
    assert b'"status": 431}' in answer
    assert small.is_well()


def test_what_is_no_http_is_refused_as_json(small: Small) -> None:
    for first in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ):
        assert small.connect(first).recv(4096).startswith(b"HTTP/1.1 400")


def test_those_who_wait_make_room_for_those_who_ask(small: Small) -> None:
    for first in (b"", HALF_HEAD, HALF_BODY, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"):
        held = [small.connect(first) for _ in range(40)]
        assert small.is_well()
        assert len(small.server.server_state.connections) <= SHORT.connections + 1
        for client in held:
            client.close()


def test_keep_alive_and_pipelined_requests_still_work(small: Small) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{small.port}") as client:
        for _ in range(20):
            assert client.get("/").status_code == 200
            assert client.post("/body", content=b"x" * 200_000).status_code == 200
    client = small.connect(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" * 3)
    text = b""
    while text.count(b"HTTP/1.1 200") < 3 or not text.endswith(b"0\r\n\r\n"):
        part = client.recv(65536)
        assert part
        text += part


def flood(port: int, first: bytes, count: int = 1100) -> list[socket.socket]:
    clients = []
    for _ in range(count):
        client = socket.socket()
        client.settimeout(5)
        client.connect(("127.0.0.1", port))
        with contextlib.suppress(OSError):
            client.sendall(first)
        clients.append(client)
    return clients


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(params=["serve", "ingest"])
def under_1024(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, int, Path]]:
    """One of the two servers, with 1,024 descriptors."""
    publish(tmp_path)
    (tmp_path / "tokens.yml").write_text(tokens_yaml())
    command = [str(PROJECT_ROOT / "scripts" / request.param), "--port", "0"]
    log = tmp_path / "out.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["sh", "-c", 'ulimit -n 1024; exec "$@"', "sh", *command],
            env=environment_of(tmp_path, SLUICE_TOKENS_FILE=str(tmp_path / "tokens.yml")),
            stdout=output,
            stderr=output,
        )
    found = None
    for _ in range(300):
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text()):
            break
        time.sleep(0.1)
    assert found, log.read_text()
    yield request.param, int(found[1]), log
    process.terminate()
    process.wait(timeout=60)


def test_eleven_hundred_half_requests_are_no_outage(
    under_1024: tuple[str, int, Path], many_descriptors: None
) -> None:
    _, port, log = under_1024
    for first in (HALF_HEAD, HALF_BODY, b""):
        held = flood(port, first)
        for _ in range(5):
            began = time.monotonic()
            assert httpx.get(f"http://127.0.0.1:{port}/health", timeout=10).status_code == 200
            assert time.monotonic() - began < 5
        for client in held:
            client.close()
    assert "Too many open files" not in log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_large_sign_in_is_refused_before_it_is_read(start: Callable[..., Served], tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "tokens.yml").write_text(tokens_yaml())
    served = start(SLUICE_TOKENS_FILE=str(tmp_path / "tokens.yml"))
    host, port = served.base.removeprefix("http://").split(":")
    sent, size = 0, 60 * 1024 * 1024
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(b"POST /sign-in HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % size)
        with contextlib.suppress(OSError):
            while sent < size:
                sent += client.send(b"x" * 65536)
    assert sent < 16 * 1024 * 1024, "most of it never left"
    response = httpx.post(f"{served.base}/sign-in", content=b"token=" + b"x" * 20_000)
    assert (response.status_code, response.json()["status"]) == (413, 413)
    assert "16384 bytes" in response.json()["error"]
    assert served.get("/health").status_code == 200


def test_a_download_that_nobody_reads_lets_go_of_the_published_file(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    publish(tmp_path)
    path = tmp_path / "published" / "sluice.db"
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("create table long as with recursive n(x) as (select 1 union all select x + 1 from n where x < 20000)"
                   " select x, hex(randomblob(500)) as value from n")  # fmt: skip
    served = start()
    host, port = served.base.removeprefix("http://").split(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((host, int(port)))
    client.sendall(b"GET /sluice/long.csv HTTP/1.1\r\nHost: here\r\n\r\n")
    assert client.recv(100).startswith(b"HTTP/1.1 200")

    def is_held() -> bool:
        with contextlib.closing(sqlite3.connect(path, timeout=0.1)) as db:
            with db:
                db.execute("update daily_order_totals set amount = amount + 1")
            return bool(db.execute("pragma wal_checkpoint(truncate)").fetchone()[0])

    assert is_held(), "as long as it may still be read"
    deadline = time.monotonic() + 45
    while is_held() and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not is_held()
    assert len(served.get("/sluice/long.csv").text.splitlines()) == 20_001
    client.close()


def test_limits_fit_the_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    for hard, connections in ((256, 64), (1024, 512), (4096, 3584), (resource.RLIM_INFINITY, 7680)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, hard=hard: (256, hard))
        monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
        assert Limits.for_this_process().connections == connections

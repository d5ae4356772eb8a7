"""The client over real sockets: addresses, versions, answers that never end, services that stop answering."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pyarrow as pa
import pytest

from sluice.classify import Reply, Settings, classify_table, model_version
from sluice.classify.http import HttpAsk, health_url, predict_url

from .fakes import truth

FAST = Settings(timeout=0.3, backoff=0.01, breaker_waits=(0.01, 0.01), silence=1, in_flight=2)


def table(count: int) -> pa.Table:
    return pa.table(
        {
            "id": [f"t{number}" for number in range(count)],
            "description": [None] * count,
            "amount": pa.array([Decimal(1)] * count, pa.decimal128(18, 4)),
            "timestamp": pa.array([1_767_225_600_000_000] * count, pa.timestamp("us")),
            "merchant": ["shop"] * count,
            "operation_type": ["card"] * count,
            "side": ["debit"] * count,
            "more": ["not sent"] * count,
        }
    )


class Service(BaseHTTPRequestHandler):
    """Honest unless `misbehave` says otherwise; keeps what it was sent."""

    protocol_version = "HTTP/1.1"
    misbehave: Callable[["Service"], bool] | None = None
    version_header: str | None = None
    health: bytes | None = None
    seen: list[Any]

    def do_POST(self) -> None:  # noqa: N802
        sent = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((self.path, sent))
        if type(self).misbehave is not None and type(self).misbehave(self):
            self.close_connection = True
            return
        self.answer(orjson.dumps([{"id": one["id"], "category": truth(one["id"])} for one in sent]))

    def do_GET(self) -> None:  # noqa: N802
        self.seen.append((self.path, None))
        if self.health is None:
            self.send_error(404)
        else:
            self.answer(self.health)

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if self.version_header is not None:
            self.send_header("X-Model-Version", self.version_header)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running(**members: Any) -> Iterator[tuple[str, list[Any]]]:
    """A service in this process with members of its own; gives its address and what it has seen."""
    seen: list[Any] = []
    kind = type("Running", (Service,), {**members, "seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("given", "asked", "health"),
    [
        ("http://host:8003", "http://host:8003/predict", "http://host:8003/health"),
        (" http://host:8003/ ", "http://host:8003/predict", "http://host:8003/health"),
        ("http://host/predict", "http://host/predict", "http://host/health"),
        ("https://host/ml/v2/", "https://host/ml/v2/predict", "https://host/ml/v2/health"),
        ("https://host/ml/predict/?k=v", "https://host/ml/predict?k=v", "https://host/ml/health"),
    ],
)
def test_the_address_is_the_service_or_its_predict(given: str, asked: str, health: str) -> None:
    assert (predict_url(given), health_url(given)) == (asked, health)


@pytest.mark.parametrize(
    "url", ["localhost:8003", "ftp://host", "http://", "http://host:99999", "predict", "http://[::1"]
)
def test_what_is_no_address_leaves_everything_pending(url: str) -> None:
    result = classify_table(table(3), url)
    assert result["status"].to_pylist() == ["pending"] * 3
    assert all("SLUICE_PREDICT_URL is not an address" in error for error in result["error"].to_pylist())


@pytest.mark.parametrize("url", [None, "", "  "])
def test_without_an_address_everything_is_pending(url: str | None) -> None:
    result = classify_table(table(2), url)
    assert result["error"].to_pylist() == ["SLUICE_PREDICT_URL is not set"] * 2
    assert result["attempts"].to_pylist() == [0, 0]


def test_what_is_sent() -> None:
    with running() as (url, seen):
        classify_table(table(1), url)
    assert [path for path, _ in seen] == ["/predict", "/health"]
    assert seen[0][1] == [
        {
            "id": "t0",
            "description": None,
            "amount": 1.0,
            "timestamp": "2026-01-01T00:00:00.000000Z",
            "merchant": "shop",
            "operation_type": "card",
            "side": "debit",
        }
    ]


@pytest.mark.parametrize(
    ("members", "version"),
    [
        ({"version_header": "v7"}, "v7"),
        ({"health": b'{"status": "ok", "model_version": "v8"}'}, "v8"),
        ({"version_header": "v7", "health": b'{"model_version": "v8"}'}, "v7"),
        ({"health": b'{"model_version": 8}'}, None),
        ({"health": b"<html>"}, None),
        ({"health": b"[]"}, None),
        ({}, None),
    ],
)
def test_the_model_version_is_what_the_service_says_if_it_does(
    members: dict[str, Any], version: str | None
) -> None:
    with running(**members) as (url, seen):
        result = classify_table(table(1_200), url)
        assert sum(path == "/health" for path, _ in seen) <= FAST.in_flight
        if "health" in members and "version_header" not in members:
            assert model_version(url) == version
    assert set(result["status"].to_pylist()) == {"classified"}
    assert set(result["model_version"].to_pylist()) == {version}


def test_no_service_has_no_model_version() -> None:
    assert model_version("http://127.0.0.1:9", timeout=0.5) is None


def hang(service: Service) -> bool:
    time.sleep(1)
    return True


def drip(service: Service) -> bool:
    service.send_response(200)
    service.end_headers()
    for _ in range(100):
        try:
            service.wfile.write(b" ")
        except OSError:
            break
        time.sleep(0.05)
    return True


def hang_up(service: Service) -> bool:
    service.connection.shutdown(socket.SHUT_RDWR)
    return True


def cut_short(service: Service) -> bool:
    service.send_response(200)
    service.send_header("Content-Length", "1000")
    service.end_headers()
    service.wfile.write(b'[{"id": "t0"')
    return True


def not_http(service: Service) -> bool:
    service.wfile.write(b"\x00\x01 what is this\r\n\r\n")
    return True


@pytest.mark.parametrize("misbehave", [hang, drip, hang_up, cut_short, not_http])
def test_a_service_that_does_not_answer_properly_takes_seconds_and_leaves_everything_pending(
    misbehave: Callable[[Service], bool],
) -> None:
    with running(misbehave=misbehave) as (url, _):
        before = time.monotonic()
        result = classify_table(table(5_000), url, FAST)
        assert time.monotonic() - before < 30
    assert set(result["status"].to_pylist()) == {"pending"}
    assert None not in result["error"].to_pylist()


def test_a_service_that_hangs_up_now_and_then_classifies_everything() -> None:
    turns = iter(range(1_000_000))

    def sometimes(service: Service) -> bool:
        return next(turns) % 3 == 0 and hang_up(service)

    with running(misbehave=sometimes) as (url, _):
        result = classify_table(table(5_000), url, Settings(backoff=0.01))
    assert set(result["status"].to_pylist()) == {"classified"}


def test_a_dead_service_takes_seconds() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    before = time.monotonic()
    result = classify_table(table(100_000), url)
    assert time.monotonic() - before < 30
    assert set(result["status"].to_pylist()) == {"pending"}


def test_an_endless_answer_is_not_read() -> None:
    async def one() -> Reply:
        async with HttpAsk(url, Settings(max_answer_bytes=10)) as ask:
            return await ask(b'[{"id": "t0"}]')

    with running() as (url, _), pytest.raises(ValueError, match="longer than 10 bytes"):
        asyncio.run(one())


def drip_for_ever(service: Service) -> None:
    service.send_response(200)
    service.end_headers()
    for _ in range(600):
        try:
            service.wfile.write(b" ")
        except OSError:
            break
        time.sleep(0.05)


def drip_head(service: Service) -> None:
    for _ in range(600):
        try:
            service.wfile.write(b"H")
        except OSError:
            break
        time.sleep(0.05)


def flood(service: Service) -> None:
    service.send_response(200)
    service.end_headers()
    for _ in range(1_000):
        try:
            service.wfile.write(b" " * 1_000_000)
        except OSError:
            break


@pytest.mark.parametrize("health", [drip_for_ever, drip_head, flood])
def test_a_health_that_never_ends_costs_a_moment_and_no_answer(health: Callable[[Service], None]) -> None:
    """The categories are there: they are not to wait for the version."""
    with running(do_GET=health) as (url, _):
        before = time.monotonic()
        result = classify_table(table(1_200), url)
        assert model_version(url, timeout=0.5) is None
        assert time.monotonic() - before < 10
    assert set(result["status"].to_pylist()) == {"classified"}
    assert set(result["model_version"].to_pylist()) == {None}


def test_a_redirect_is_not_followed() -> None:
    def elsewhere(service: Service) -> bool:
        service.send_response(307)
        service.send_header("Location", "http://127.0.0.1:9/predict")
        service.send_header("Content-Length", "0")
        service.end_headers()
        return True

    with running(misbehave=elsewhere) as (url, _):
        result = classify_table(table(1), url, FAST)
    assert result["error"].to_pylist() == ["HTTP 307"]
    assert result["status"].to_pylist() == ["pending"]

"""Whatever is sent to whichever path with whatever token: an answer in JSON, never an internal error."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ingest_kit import an_event, landed, running

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running(tmp_path_factory.mktemp("home")) as (client, _):
        yield client


def exchange(client: Any, request: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to these bytes, sent as they are; 0 where the connection was closed without."""
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=20) as sent:
        sent.sendall(request)
        sent.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sent.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return (int(head.split(b" ", 2)[1]) if head else 0), body


HEADER_BYTES = st.binary(max_size=40).map(lambda value: value.translate(None, b"\r\n\0"))
TOKENS = st.one_of(
    HEADER_BYTES,
    HEADER_BYTES.map(lambda rest: b"Bearer " + rest),
    st.sampled_from([b"Bearer", b"bearer  ", b"Bearer acme-token x", b"acme-token", b"Basic YWNtZTp0b2tlbg==", b"Bearer \xff"]),
)  # fmt: skip


@QUICK
@given(TOKENS, st.sampled_from([b"/events", b"/events/bulk"]))
@example(b"Bearer expired-token", b"/events")
def test_any_token_but_the_right_ones_is_401(client: Any, token: bytes, path: bytes) -> None:
    body = json.dumps(an_event()).encode()
    head = (
        b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n"
    )
    status, answer = exchange(client, head % (path, token, len(body)) + body)
    assert status in (400, 401), answer
    if status == 401:
        assert json.loads(answer)["status"] == 401


METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])
PATHS = st.one_of(
    st.sampled_from(
        ["/", "/events/", "//events", "/events/bulk/", "/Events", "/health/", "/events?x=1", "/%2e%2e/", "/events%00", "/docs"]
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30).map(lambda rest: f"/{rest}"),
)  # fmt: skip


@QUICK
@given(METHODS, PATHS)
def test_any_route_is_answered(client: Any, method: str, path: str) -> None:
    request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    status, answer = exchange(client, request.encode())
    assert status and status != 500 and status < 504, (status, answer)
    if status >= 400 and method != "HEAD" and answer[:1] == b"{":
        body = json.loads(answer)
        assert body["ok"] is False and body["status"] == status and body["error"]


BODIES = st.one_of(
    st.binary(max_size=300),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=10),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["events", "event_id", "tenant_id", "source", "timestamp", "payload", "x", "schema_version"]),
            inner,
            max_size=5,
        ),
        max_leaves=10,
    ).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.dictionaries(
        st.sampled_from(list(an_event())), st.integers(-(10**320), 10**320) | st.floats() | st.text(st.characters())
    ).map(lambda event: json.dumps({"events": [{**an_event(), **event}, an_event("good")]}).encode("utf-8", "surrogatepass")),
)  # fmt: skip
ENCODINGS = st.sampled_from([None, "gzip", "deflate", "br", "identity"])


@settings(QUICK, max_examples=150)
@given(BODIES, st.sampled_from(["/events", "/events/bulk"]), ENCODINGS)
def test_any_body_is_taken_or_refused(client: Any, body: bytes, path: str, encoding: str | None) -> None:
    headers = {"Authorization": "Bearer acme-token"} | ({"Content-Encoding": encoding} if encoding else {})
    answer = client.post(path, content=body, headers=headers)
    assert answer.status_code in (200, 201, 400, 403, 413, 415, 422), answer.text
    if answer.is_success:
        assert answer.json()["ok"] is True
    else:
        assert answer.json()["error"] and answer.json()["status"] == answer.status_code
    if b'"good"' in body and path == "/events/bulk" and encoding in (None, "identity"):
        assert answer.status_code == 403 or answer.json()["accepted"] >= 1


def test_what_was_accepted_by_any_of_it_is_whole(tmp_path: Path) -> None:
    """A last look: an event after a storm of odd ones lands as it was sent."""
    odd = [b"\xff", b"{", b'{"events":[' + b"[" * 3_000 + b"]}", b'{"events":[{"timestamp":1e999}]}']
    headers = {"Authorization": "Bearer acme-token"}
    with running(tmp_path) as (client, _):
        for body in odd:
            client.post("/events/bulk", content=body, headers=headers)
        assert client.post("/events", json=an_event("last"), headers=headers).status_code == 201
    assert [row["event_id"] for row in landed(tmp_path)] == ["last"]

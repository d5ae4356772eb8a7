"""What a client's library and a browser expect of HTTP: compressed bodies, an answer to a body that is refused, HEAD,
a preflight."""

import json
import socket
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import an_event, landed, post, refused, running

from sluice.ingest.settings import MAX_BODY_BYTES, Settings, SettingsError


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running(tmp_path_factory.mktemp("home")) as (client, _):
        yield client


def compressed(body: bytes, window: int) -> bytes:
    one = zlib.compressobj(wbits=window)
    return one.compress(body) + one.flush()


@pytest.mark.parametrize(
    ("encoding", "window"),
    [
        ("gzip", 31),
        ("GZIP", 31),
        ("x-gzip", 31),
        ("deflate", 15),
        ("deflate", -15),
        ("identity", None),
        ("", None),
    ],
)
def test_a_compressed_body_is_inflated(tmp_path: Path, encoding: str, window: int | None) -> None:
    body = json.dumps({"events": [an_event(f"n{number}") for number in range(50)]}).encode()
    with running(tmp_path) as (client, _):
        sent = body if window is None else compressed(body, window)
        assert post(client, "/events/bulk", sent, **{"Content-Encoding": encoding}).json()["accepted"] == 50
    assert [row["event_id"] for row in landed(tmp_path)] == [f"n{number}" for number in range(50)]


def test_a_gzip_stream_of_several_members_is_one_body(client: Any) -> None:
    body = json.dumps(an_event()).encode()
    sent = compressed(body[:20], 31) + compressed(body[20:], 31)
    assert post(client, "/events", sent, **{"Content-Encoding": "gzip"}).status_code == 201


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "\u00fc"])
def test_an_unknown_encoding_is_415_and_says_what_is_taken(client: Any, encoding: str) -> None:
    answer = post(client, "/events", b"{}", **{"Content-Encoding": encoding.encode("latin-1")})
    refused(answer, 415, "gzip, deflate")
    assert answer.headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("cut", [0, 5, 40])
def test_a_body_that_is_not_whole_or_not_compressed_is_400(client: Any, encoding: str, cut: int) -> None:
    whole = compressed(json.dumps(an_event()).encode(), 31 if encoding == "gzip" else 15)
    refused(post(client, "/events", whole[:cut], **{"Content-Encoding": encoding}), 400)
    refused(post(client, "/events", b'{"event_id": "e1"}', **{"Content-Encoding": encoding}), 400, encoding)
    refused(post(client, "/events", whole + b"more", **{"Content-Encoding": encoding}), 400, encoding)


@pytest.mark.parametrize(("encoding", "window"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
def test_a_body_that_inflates_to_more_than_a_body_may_be_is_413(
    client: Any, encoding: str, window: int
) -> None:
    bomb = compressed(b" " * (1 << 27), window)
    assert len(bomb) < 2 << 20
    began = time.monotonic()
    refused(post(client, "/events/bulk", bomb, **{"Content-Encoding": encoding}), 413, str(MAX_BODY_BYTES))
    assert time.monotonic() - began < 5
    body = json.dumps(an_event()).encode()
    full = compressed(body + b" " * (MAX_BODY_BYTES - len(body)), window)
    assert post(client, "/events", full, **{"Content-Encoding": encoding}).status_code == 201
    more = compressed(body + b" " * (MAX_BODY_BYTES - len(body) + 1), window)
    refused(post(client, "/events", more, **{"Content-Encoding": encoding}), 413)


def test_very_many_members_of_gzip_do_not_hold_the_service(client: Any) -> None:
    began = time.monotonic()
    body = compressed(b"", 31) * ((MAX_BODY_BYTES - 100) // 20)
    refused(post(client, "/events", body, **{"Content-Encoding": "gzip"}), 400)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_all_before_it_reads_gets_its_413(client: Any, chunked: bool) -> None:
    """As many libraries do; a connection that is closed before would be a reset, and no answer."""
    size = 3 * MAX_BODY_BYTES
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=30) as sent:
        head = b"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer acme-token\r\n" + length
        sent.sendall(head + b"\r\n\r\n")
        part = b" " * (1 << 20)
        for _ in range(size // len(part)):
            sent.sendall(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        if chunked:
            sent.sendall(b"0\r\n\r\n")
        answer = b"".join(iter(lambda: sent.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 413"), answer[:200]
    assert b'"status":413' in answer and answer.endswith(b"}")


def test_a_client_that_asks_before_it_sends_is_answered_413_at_once(client: Any) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as sent:
        head = b"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer acme-token\r\nExpect: 100-continue\r\n"
        sent.sendall(head + b"Content-Length: 99999999\r\n\r\n")
        answer = b"".join(iter(lambda: sent.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 413"), answer[:200]


@pytest.mark.parametrize("path", ["/health", "/ready", "/prometheus", "/docs", "/openapi.json"])
def test_head_is_answered_where_get_is(client: Any, path: str) -> None:
    shown, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == shown.headers["content-type"]
    if path != "/prometheus":
        assert head.headers["content-length"] == shown.headers["content-length"]


def test_head_of_a_write_and_of_nothing(client: Any) -> None:
    assert (client.head("/events").status_code, client.head("/events").headers["allow"]) == (405, "POST")
    assert client.head("/nothing").status_code == 404
    assert client.post("/health").headers["allow"] == "GET, HEAD"


PREFLIGHT = {
    "Origin": "https://app.example.org",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type",
}


def test_a_browser_s_preflight_is_refused_by_default(client: Any) -> None:
    answer = client.options("/events", headers=PREFLIGHT)
    refused(answer, 405)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    written = post(client, "/events", an_event(), Origin="https://app.example.org")
    assert "access-control-allow-origin" not in written.headers


def test_a_browser_s_preflight_is_answered_for_the_origins_that_are_set(tmp_path: Path) -> None:
    with running(tmp_path, allow_origins=("https://app.example.org",)) as (client, _):
        for path in ("/events", "/events/bulk"):
            answer = client.options(path, headers=PREFLIGHT)
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
            assert "POST" in answer.headers["access-control-allow-methods"]
            assert "Authorization" in answer.headers["access-control-allow-headers"]
        other = client.options("/events", headers=PREFLIGHT | {"Origin": "https://evil.example.org"})
        assert other.status_code == 400 and "access-control-allow-origin" not in other.headers
        for token, status in (("acme-token", 201), (None, 401)):
            answer = post(client, "/events", an_event(), token=token, Origin="https://app.example.org")
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == "https://app.example.org"


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        ("*", ("*",)),
        (
            " https://a.example.org , http://localhost:3000",
            ("https://a.example.org", "http://localhost:3000"),
        ),
        ("a.example.org", None),
        ("https://a.example.org/", None),
    ],
)
def test_the_setting_of_origins(text: str, origins: tuple[str, ...] | None) -> None:
    environment = {"SLUICE_INGEST_ALLOW_ORIGINS": text}
    if origins is None:
        with pytest.raises(SettingsError, match="SLUICE_INGEST_ALLOW_ORIGINS"):
            Settings.from_environment(environment)
    else:
        assert Settings.from_environment(environment).allow_origins == origins

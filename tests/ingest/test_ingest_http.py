"""The write side over HTTP: what is answered, and what then stands in landing."""

import json
import socket
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import an_event, landed, running

from sluice.ingest.settings import MAX_BODY_BYTES, Settings, SettingsError

COLUMNS = ["event_id", "tenant_id", "source", "event_type", "timestamp", "schema_version", "payload"]


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


def test_an_event_is_answered_201_and_lands_whole(tmp_path: Path) -> None:
    event = an_event('e"1, x', tenant_id=" ACME ", schema_version=2, payload={"a": 'x,"y"\nz', "ü": [1, {}]})
    with running(tmp_path) as (client, _):
        answer = post(client, "/events", event)
    assert (answer.status_code, answer.json()) == (201, {"ok": True, "accepted": 1})
    (row,) = landed(tmp_path)
    assert list(row) == COLUMNS
    assert json.loads(row.pop("payload")) == event["payload"]
    assert list(row.values()) == ['e"1, x', "acme", "web", "click", "2026-01-15T10:30:00Z", "2"]
    today = datetime.now(UTC).date()
    (path,) = (tmp_path / "landing").rglob("*.csv")
    assert path.parent.name == f"ingest_date={today}"
    assert path.read_bytes().startswith(",".join(COLUMNS).encode() + b"\n")


def test_payload_numbers_keep_every_digit_and_newlines_become_spaces(tmp_path: Path) -> None:
    payload = '{"n":\r\n0.12345678901234567890}'
    body = f'{{"event_id":"e1","source":"s","event_type":"t","timestamp":1768473000,"payload":{payload}}}'
    with running(tmp_path) as (client, _):
        assert post(client, "/events", body).status_code == 201
    (row,) = landed(tmp_path)
    assert row["payload"] == '{"n":  0.12345678901234567890}'
    assert (row["timestamp"], row["schema_version"]) == ("1768473000", "1")


def test_bulk_keeps_the_good_and_names_the_bad(tmp_path: Path) -> None:
    events = [
        an_event("good-1"),
        an_event(" "),
        7,
        an_event("good-2", payload=...),
        an_event("x", timestamp="now", payload=[]),
        an_event("x", source="a", schema_version=[]),
    ]
    with running(tmp_path) as (client, service):
        answer = post(client, "/events/bulk", {"events": events})
        metrics = client.get("/prometheus").text
    assert answer.status_code == 200
    assert answer.json() == {
        "ok": True,
        "accepted": 2,
        "rejected": [
            {"index": 1, "field": "event_id", "reason": "missing_event_id"},
            {"index": 2, "field": None, "reason": "not_an_object"},
            {
                "index": 4,
                "field": "timestamp",
                "reason": "invalid_timestamp",
                "more": [{"field": "payload", "reason": "invalid_payload"}],
            },
            {"index": 5, "field": "schema_version", "reason": "invalid_schema_version"},
        ],
    }
    assert [row["event_id"] for row in landed(tmp_path)] == ["good-1", "good-2"]
    assert 'sluice_ingest_events_rejected_total{reason="invalid_timestamp"} 1.0' in metrics
    assert "sluice_ingest_events_accepted_total 2.0" in metrics


def test_only_bad_events_are_answered_200_and_leave_no_file(tmp_path: Path) -> None:
    with running(tmp_path) as (client, _):
        answer = post(client, "/events/bulk", {"events": [{}]})
    assert answer.json()["accepted"] == 0
    assert [fault["index"] for fault in answer.json()["rejected"]] == [0]
    assert not list((tmp_path / "landing").rglob("*.csv"))


def test_sending_an_id_again_is_accepted(tmp_path: Path) -> None:
    with running(tmp_path) as (client, _):
        assert post(client, "/events/bulk", {"events": [an_event(), an_event()]}).json()["accepted"] == 2
        assert post(client, "/events", an_event()).status_code == 201
    assert [row["event_id"] for row in landed(tmp_path)] == ["e1"] * 3


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running(tmp_path_factory.mktemp("home")) as (client, _):
        yield client


@pytest.mark.parametrize("token", [None, "wrong", "expired-token", ""])
@pytest.mark.parametrize("path", ["/events", "/events/bulk"])
def test_without_a_valid_token_nothing_is_written(client: Any, path: str, token: str | None) -> None:
    answer = post(client, path, an_event(), token=token)
    refused(answer, 401, "Authorization: Bearer")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_another_scheme_is_no_token(client: Any) -> None:
    refused(post(client, "/events", an_event(), token=None, Authorization="Basic acme-token"), 401)


def test_an_operator_may_not_write(client: Any) -> None:
    refused(post(client, "/events", an_event(), token="operator-token"), 403, "operator")


def test_a_tenant_writes_its_own_events_only(tmp_path: Path) -> None:
    foreign = an_event("stolen", tenant_id="beta")
    with running(tmp_path) as (client, _):
        refused(post(client, "/events", foreign), 403, "another tenant")
        refused(post(client, "/events/bulk", {"events": [an_event("mine"), foreign]}), 403)
        refused(post(client, "/events/bulk", {"events": [an_event("mine"), {"tenant_id": "Beta "}]}), 403)
        wrong = post(client, "/events", an_event(tenant_id="../beta"))
        assert refused(wrong, 422)["rejected"] == [{"field": "tenant_id", "reason": "invalid_tenant_id"}]
    assert landed(tmp_path) == []


def test_an_admin_writes_for_every_tenant_and_has_to_name_it(tmp_path: Path) -> None:
    events = [an_event("a", tenant_id="acme"), an_event("b", tenant_id="beta"), an_event("c")]
    with running(tmp_path) as (client, _):
        answer = post(client, "/events/bulk", {"events": events}, token="admin-token")
    assert answer.json()["rejected"] == [{"index": 2, "field": "tenant_id", "reason": "missing_tenant_id"}]
    assert [(row["event_id"], row["tenant_id"]) for row in landed(tmp_path)] == [("a", "acme"), ("b", "beta")]


def test_without_a_token_file_every_write_is_401_and_ready_says_so(tmp_path: Path) -> None:
    with running(tmp_path, tokens=False) as (client, _):
        refused(post(client, "/events", an_event()), 401, "SLUICE_TOKENS_FILE")
        assert "SLUICE_TOKENS_FILE" in client.get("/ready").json()["warnings"][0]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("", "empty"),
        ("{", "ends too early"),
        ("nonsense", "invalid"),
        ('{"event_id": NaN}', "invalid"),
        (b'{"event_id": "\xff"}', "UTF-8"),
        ("{} {}", "trailing"),
    ],
)
def test_malformed_json_is_400(client: Any, body: str | bytes, word: str) -> None:
    refused(post(client, "/events", body), 400, "malformed JSON", word)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        '{"events": [',
        '{"events": [{}',
        '{"events": [{}]',
        '{"events": [{}]} x',
        '{"events": {NaN}}',
        "[{]",
    ],
)
def test_a_bulk_body_that_is_no_json_as_a_whole_is_400(client: Any, body: str) -> None:
    refused(post(client, "/events/bulk", body), 400, "malformed JSON")


@pytest.mark.parametrize(
    "body", ["[]", "1", "null", '"x"', "{}", '{"events": {}}', '{"events": []}', '{"event": []}']
)
def test_a_bulk_body_of_another_shape_is_422(client: Any, body: str) -> None:
    refused(post(client, "/events/bulk", body), 422, "events")


@pytest.mark.parametrize("body", ["[]", "1", "null", '"x"', "true"])
def test_a_single_body_that_is_no_object_is_422(client: Any, body: str) -> None:
    assert refused(post(client, "/events", body), 422)["rejected"] == [
        {"field": None, "reason": "not_an_object"}
    ]


def test_5000_events_are_taken_and_5001_are_not(client: Any) -> None:
    events = [an_event(f"n{number}", payload=...) for number in range(5_001)]
    assert post(client, "/events/bulk", {"events": events[:5_000]}).json()["accepted"] == 5_000
    refused(post(client, "/events/bulk", {"events": events}), 413, "5001", "5000")
    refused(post(client, "/events/bulk", {"events": [*events, 1]}), 413, "5002")


def test_a_body_over_the_limit_is_413_with_or_without_a_length(client: Any) -> None:
    large = b'{"events": [' + b" " * MAX_BODY_BYTES + b"]}"
    refused(post(client, "/events/bulk", large), 413, str(MAX_BODY_BYTES))
    refused(post(client, "/events/bulk", iter([large[:100], large[100:]])), 413, str(MAX_BODY_BYTES))


def test_a_body_at_the_limit_is_read(client: Any) -> None:
    body = json.dumps(an_event()).encode()
    assert post(client, "/events", body + b" " * (MAX_BODY_BYTES - len(body))).status_code == 201


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


def test_other_methods_and_paths_are_json_errors(client: Any) -> None:
    refused(client.get("/events"), 405)
    refused(client.put("/events/bulk"), 405)
    refused(client.post("/health"), 405)
    refused(client.get("/nothing"), 404)


def test_a_tenant_over_its_rate_waits_and_others_do_not(tmp_path: Path) -> None:
    with running(tmp_path, rate=10.0) as (client, _):
        assert post(client, "/events/bulk", {"events": [an_event()] * 50}).status_code == 200
        answer = post(client, "/events", an_event())
        refused(answer, 429, "10 events per second")
        assert 3 <= int(answer.headers["retry-after"]) <= 5
        assert post(client, "/events", an_event(), token="beta-token").status_code == 201
        refused(post(client, "/events", an_event(tenant_id="acme"), token="admin-token"), 429)
    assert len(landed(tmp_path)) == 51


def test_a_nearly_full_disk_is_503_with_a_reason(tmp_path: Path) -> None:
    with running(tmp_path, min_free_bytes=1 << 60) as (client, _):
        answer = post(client, "/events", an_event())
        refused(answer, 503, "disk is nearly full")
        assert int(answer.headers["retry-after"]) >= 1
        refused(client.get("/ready"), 503, "disk is nearly full")
        assert client.get("/health").status_code == 200
    assert landed(tmp_path) == []


def test_a_body_that_never_comes_is_408(tmp_path: Path) -> None:
    import asyncio

    from sluice.ingest.answers import Refusal
    from sluice.ingest.bodies import Bodies

    async def never() -> Any:
        await asyncio.sleep(60)

    bodies = Bodies(0.01)
    with pytest.raises(Refusal) as caught:
        asyncio.run(bodies.read({}, never))
    assert caught.value.status == 408
    assert bodies.held_bytes == 0


def test_the_docs_page_loads_nothing_from_elsewhere(client: Any) -> None:
    page = client.get("/docs")
    assert page.status_code == 200 and "POST /events/bulk" in page.text
    for word in ("<script", "http://cdn", "https://", "<link", "<img"):
        assert word not in page.text.replace("https://json-schema.org", "")
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {"/events", "/events/bulk", "/health", "/ready", "/prometheus"}
    assert document["components"]["schemas"]["Event"]["required"] == [
        "event_id",
        "source",
        "event_type",
        "timestamp",
    ]


def test_metrics_name_no_tenant(client: Any) -> None:
    post(client, "/events", an_event())
    text = client.get("/prometheus").text
    assert 'sluice_http_requests_total{route="/events",status="201"}' in text
    assert "acme" not in text


def test_an_unexpected_error_is_a_json_500(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path) as (client, service):
        monkeypatch.setattr(service, "admit", lambda _: 1 / 0)
        refused(post(client, "/events", an_event()), 500)
        monkeypatch.setattr(service, "warnings", lambda: 1 / 0)
        refused(client.get("/ready"), 500)

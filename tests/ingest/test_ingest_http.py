"""The write side over HTTP: what is answered, and what then stands in landing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import an_event, landed, post, refused, running

from sluice.ingest.settings import MAX_BODY_BYTES

COLUMNS = ["event_id", "tenant_id", "source", "event_type", "timestamp", "schema_version", "payload"]


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

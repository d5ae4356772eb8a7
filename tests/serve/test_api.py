"""The API over real HTTP: whole buckets, stable pages, errors that name the parameter."""

import json

import jsonschema
import pytest

from .conftest import Served
from .published import PUBLISHED_AT


def error_of(served: Served, path: str, status: int, who: str | None = None) -> str:
    response = served.get(path, who)
    body = response.json()
    assert (response.status_code, body["ok"], body["status"]) == (status, False, status), response.text
    return body["error"]


def test_health_and_ready(server: Served) -> None:
    assert server.get("/health").json() == {"status": "ok"}
    ready = server.get("/ready").json()
    assert ready["published_at"] == PUBLISHED_AT
    assert ready["latest_event_at"]["service_events"] == "2026-01-15T10:04:09.000000Z"
    assert ready["latest_event_at"]["tenant_events"] == "2026-01-15T11:00:00Z"


def test_metrics_of_everything_are_ordered_by_service_then_bucket(server: Served) -> None:
    answer = server.get("/metrics").json()
    places = [(row["service"], row["minute"]) for row in answer["rows"]]
    assert (answer["ok"], answer["next"], len(places)) == (True, None, 240)
    assert places == sorted(places)
    assert set(answer["rows"][6]) >= {"service", "minute", "request_count", "p99_latency_ms", "error_rate"}
    assert answer["rows"][6]["error_rate"] is None


@pytest.mark.parametrize(
    ("since", "until", "minutes"),
    [
        ("2026-01-15T10:05:00Z", "2026-01-15T10:07:00Z", ["10:05", "10:06"]),
        ("2026-01-15T10:05:00.000001Z", "2026-01-15T10:07:00.5Z", ["10:06", "10:07"]),
        ("2026-01-15T10:05:30Z", "2026-01-15T10:06:30Z", ["10:06"]),
        ("2026-01-15T15:35:00+05:30", "2026-01-15T15:37:00 05:30", ["10:05", "10:06"]),
        ("1768471500", "1768471620000", ["10:05", "10:06"]),
        ("15/01/2026 10:05", "15.01.2026 10:07", ["10:05", "10:06"]),
        ("Thu, 15 Jan 2026 10:05:00 GMT", "15/Jan/2026:10:07:00 +0000", ["10:05", "10:06"]),
        ("20260115T100500Z", "2026-01-15 10:05", []),
    ],
)
def test_whole_buckets_between_two_instants(
    server: Served, since: str, until: str, minutes: list[str]
) -> None:
    answer = server.get("/metrics", service="checkout", **{"from": since, "to": until}).json()
    assert [row["minute"][11:16] for row in answer["rows"]] == minutes


def test_a_plus_that_arrives_as_a_space_counts_as_a_plus(server: Served) -> None:
    answer = server.get(
        "/metrics?service=search&from=2026-01-15T15:35:00+05:30&to=2026-01-15T11:36:00+0130"
    ).json()
    assert [row["minute"][11:16] for row in answer["rows"]] == ["10:05"]


def test_bucket_sizes(server: Served) -> None:
    assert [row["hour"] for row in server.get("/metrics?service=search&bucket_size=hour").json()["rows"]] == [
        "2026-01-15T10:00:00Z",
        "2026-01-15T11:00:00Z",
        "2026-01-15T12:00:00Z",
    ]
    assert len(server.get("/metrics?bucket_size=day").json()["rows"]) == 4


@pytest.mark.parametrize("limit", [1, 7, 120, 121, 239])
def test_pages_of_metrics_give_every_row_once(server: Served, limit: int) -> None:
    whole = server.get("/metrics").json()["rows"]
    rows, token = [], None
    while True:
        answer = server.get("/metrics", limit=limit, **({"next": token} if token else {})).json()
        assert len(answer["rows"]) <= limit
        rows += answer["rows"]
        token = answer["next"]
        if token is None:
            break
    assert rows == whole


def test_metrics_of_a_tenant(server: Served) -> None:
    rows = server.get("/metrics?tenant_id=acme&bucket_size=hour", "acme").json()["rows"]
    assert len(rows) == 20
    assert set(rows[0]) == {"source", "event_type", "hour", "event_count", "amount_sum"}
    clicks = server.get("/metrics?tenant_id=acme&event_type=CLICK&source=web", "acme").json()["rows"]
    assert {(row["source"], row["event_type"]) for row in clicks} == {("web", "click")}
    assert len(clicks) == 5
    first = server.get("/metrics?tenant_id=acme&event_type=order&limit=7", "acme").json()
    second = server.get("/metrics", "acme", tenant_id="acme", event_type="order", next=first["next"]).json()
    assert len(first["rows"] + second["rows"]) == 10


def test_events_page_by_page(server: Served) -> None:
    whole = server.get("/events?tenant_id=acme&page_size=1000", "acme").json()
    assert (len(whole["rows"]), whole["next"]) == (40, None)
    assert whole["rows"][0]["payload"] == {"product": "anvil-order-7731", "user": "Wile E.", "n": 0}
    places = [(row["event_at"], row["event_id"]) for row in whole["rows"]]
    assert places == sorted(places)
    rows, token = [], None
    for _ in range(6):
        answer = server.get(
            "/events", "acme", tenant_id="acme", page_size=7, **({"next": token} if token else {})
        )
        rows += answer.json()["rows"]
        token = answer.json()["next"]
    assert (rows, token) == (whole["rows"], None)
    page = server.get("/events?tenant_id=acme&page_size=15&page=3", "admin").json()["rows"]
    assert page == whole["rows"][30:]
    some = server.get(
        "/events?tenant_id=acme&source=web&event_type=click&from=2026-01-15T10:00:05Z", "acme"
    ).json()
    assert {row["source"] for row in some["rows"]} == {"web"}
    assert min(row["event_at"] for row in some["rows"]) >= "2026-01-15T10:00:05"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/metrics?bogus=1", "bogus"),
        ("/metrics?from=yesterday", "from"),
        ("/metrics?to=2026-02-30", "to"),
        ("/metrics?from=2026-01-15T24:00:00Z", "from"),
        ("/metrics?from=2026-01-16&to=2026-01-15", "from"),
        ("/metrics?bucket_size=week", "bucket_size"),
        ("/metrics?limit=0", "limit"),
        ("/metrics?limit=10001", "limit"),
        ("/metrics?limit=1e3", "limit"),
        ("/metrics?limit=%D9%A3", "limit"),
        ("/metrics?next=%21%21", "next"),
        ("/metrics?next=WyJldmVudHMiLCJhIiwiYiJd", "next"),
        ("/metrics?service=a&service=b", "service"),
        ("/metrics?service=", "service"),
        ("/metrics?source=web", "source"),
        ("/metrics?event_type=x", "event_type"),
        ("/metrics?tenant_id=ACME", "tenant_id"),
        ("/metrics?tenant_id=..%2Fsluice", "tenant_id"),
        ("/metrics?tenant_id=acme%0A", "tenant_id"),
        ("/metrics?tenant_id=acme&service=checkout", "service"),
        ("/events", "tenant_id"),
        ("/events?tenant_id=acme&page_size=1001", "page_size"),
        ("/events?tenant_id=acme&page=0", "page"),
        ("/events?tenant_id=acme&page=2&next=WyJldmVudHMiLCJhIiwiYiJd", "page"),
        ("/events?tenant_id=acme&from=%00", "from"),
    ],
)
def test_errors_name_the_parameter(server: Served, path: str, named: str) -> None:
    assert error_of(server, path, 400, "acme").startswith(f"{named}:")


def test_a_token_continues_only_the_query_that_gave_it(server: Served) -> None:
    token = server.get("/metrics?limit=1").json()["next"]
    assert error_of(server, f"/metrics?bucket_size=hour&next={token}", 400).startswith("next:")


def test_a_bad_token_is_refused_on_every_route(server: Served) -> None:
    for path in (
        "/",
        "/health",
        "/ready",
        "/metrics",
        "/events",
        "/sluice",
        "/assets/sluice.css",
        "/acme",
        "/nowhere",
    ):
        for token in ("unknown", "expired", ""):
            response = server.get(path, token) if token else None
            if response is not None:
                assert (response.status_code, response.json()["status"]) == (401, 401), path
                assert response.headers["www-authenticate"].startswith("Bearer")
    with server.client() as client:
        assert client.get("/health", headers={"Authorization": "Basic abc"}).status_code == 401
        assert client.get("/health", headers={"Authorization": "Bearer"}).status_code == 401


def test_what_may_not_be_seen_answers_alike_whether_it_exists(server: Served) -> None:
    for who in (None, "acme", "operator"):
        for path in (
            "/metrics?tenant_id={}",
            "/events?tenant_id={}",
            "/{}",
            "/{}/events.json",
            "/{}/events.csv",
        ):
            answers = [server.get(path.format(name), who) for name in ("globex", "initech")]
            assert [answer.status_code for answer in answers] == [403, 403], path
            assert answers[0].text == answers[1].text
    assert error_of(server, "/operations/quarantine.json", 403, "acme")


def test_roles(server: Served) -> None:
    assert server.get("/operations/quarantine.json", "operator").status_code == 200
    assert server.get("/operations/quarantine.csv", "admin").status_code == 200
    assert server.get("/globex/events.json", "admin").status_code == 200
    assert server.get("/globex/events.json", "globex").status_code == 200
    assert server.get("/acme.json?sql=select+count(*)+from+events&_shape=arrayfirst", "acme").json() == [40]
    assert server.get("/sluice/customers.json", "acme").status_code == 200
    assert server.get("/metrics?tenant_id=nobody-yet", "admin").json()["rows"] == []


def test_the_answers_fit_the_document(server: Served) -> None:
    document = server.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")

    def check(path: str, answer: object, status: str = "200") -> None:
        schema = document["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"]
        jsonschema.validate(answer, {**schema, "components": document["components"]})

    for path in ("/health", "/ready", "/metrics"):
        check(path, server.get(path).json())
    check("/metrics", server.get("/metrics?tenant_id=acme", "acme").json())
    check("/events", server.get("/events?tenant_id=acme", "acme").json())
    check("/events", server.get("/events").json(), "400")
    check("/metrics", server.get("/metrics?tenant_id=acme").json(), "403")
    parameters = {parameter["name"] for parameter in document["paths"]["/metrics"]["get"]["parameters"]}
    assert error_of(server, "/metrics?x=1", 400).endswith(", ".join(sorted(parameters)))
    assert json.dumps(document).count("http") < 5


def test_head_and_options(server: Served) -> None:
    with server.client() as client:
        assert client.head("/health").status_code == 200
        assert client.head("/").status_code == 200
        assert client.options("/sluice/orders").status_code < 500

"""Tenants' files as a build publishes them, behind the real server: isolation, and pages that stay in place."""

from collections.abc import Iterator

import pytest
from tests.pipeline.harness import DataHome
from tests.serve.conftest import Served, serving, tokens_yaml
from tests.serve.published import SECRETS
from tests.serve.test_leaks import IDENTITIES, OWNS, probe
from tests.tenants.tenant_kit import deliver, event

pytestmark = pytest.mark.slow  # a build of everything


def secret_event(tenant: str, number: int, **changes: object) -> list[object]:
    """An event that holds what only the tenant may see: in the payload, and in columns made from it."""
    _, product, person = SECRETS[tenant]
    user = {"id": f"{tenant}-{number}", "first_name": person}
    payload = {"user": user, "product": {"name": product}, "amount": 2.5, "tags": [product]}
    return event(tenant, number, event_id=f"{tenant}-{number:03}", payload=payload, **changes)


@pytest.fixture(scope="module")
def server(shared_home: DataHome) -> Iterator[Served]:
    """The whole pipeline's output, with records in quarantine and a file that failed."""
    shared_home.clear()
    for tenant in SECRETS:
        deliver(shared_home, f"{tenant[0]}.csv", [secret_event(tenant, number) for number in range(40)])
    deliver(shared_home, "bad.csv", [secret_event("acme", 1, timestamp="never"), event("../acme", 1)])
    shared_home.write("tenant_events/ingest_date=2026-02-01/broken.csv.gz", b"no gzip")
    shared_home.build()
    (shared_home.root / "tokens.yml").write_text(tokens_yaml())
    with serving(shared_home.root, SLUICE_TOKENS_FILE=str(shared_home.root / "tokens.yml")) as served:
        yield served


@pytest.mark.parametrize("who", IDENTITIES)
def test_no_request_shows_anything_of_another_tenant(server: Served, who: str | None) -> None:
    statuses = probe(server, who)
    assert sum(statuses.values()) > 600
    if who in OWNS:
        assert statuses[200] > 30


def test_a_tenant_sees_its_own(server: Served) -> None:
    rows = server.get("/metrics", "acme", tenant_id="acme", bucket_size="day").json()["rows"]
    assert [row["event_count"] for row in rows[:2]] == [2, 2] and rows[0]["amount_sum"] == 5.0
    assert sum(row["event_count"] for row in rows) == 40
    rows = server.get("/events", "acme", tenant_id="acme", page_size=1000).json()["rows"]
    assert len(rows) == 40
    assert rows[0]["payload"]["product"]["name"] == rows[0]["product_name"] == SECRETS["acme"][1]
    for table in (
        "events",
        "tags",
        "metrics_per_minute",
        "metrics_per_hour",
        "metrics_per_day",
        "usage_daily",
    ):
        found = server.get(f"/acme/{table}.json", "acme", _shape="array").json()
        assert found and "tenant_id" not in found[0], table
        assert server.get(f"/acme/{table}.csv", "acme").text.count("\n") == len(found) + 1, table
    usage = server.get("/operations/tenant_usage_daily.json", "operator", _shape="array", _size="max").json()
    assert {row["tenant_id"] for row in usage} == {"acme", "globex"}
    assert {row["share_of_events"] for row in usage} == {0.5}
    assert server.get("/acme/events.json", "operator").status_code == 403


def test_next_stays_in_place_while_events_arrive(server: Served, shared_home: DataHome) -> None:
    first = server.get("/events", "globex", tenant_id="globex", page_size=15).json()
    late = [secret_event("globex", 100 + n, timestamp=f"2026-01-{1 + n:02}T00:00:00Z") for n in range(28)]
    deliver(shared_home, "late.csv", late)
    shared_home.build()
    seen, token = [row["event_id"] for row in first["rows"]], first["next"]
    edge = (first["rows"][-1]["event_at"], seen[-1])
    while token:
        page = server.get("/events", "globex", tenant_id="globex", page_size=15, next=token).json()
        seen += [row["event_id"] for row in page["rows"]]
        token = page["next"]
    assert len(seen) == len(set(seen))
    expected = {(row["event_at"], row["event_id"]) for row in
                server.get("/events", "globex", tenant_id="globex", page_size=1000).json()["rows"]}  # fmt: skip
    assert len(expected) == 68
    assert set(seen[15:]) == {identifier for at, identifier in expected if (at, identifier) > edge}

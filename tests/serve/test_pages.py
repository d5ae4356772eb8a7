"""What people open: the front page, tables with their descriptions, complete CSV, lineage, monitoring."""

import csv
import io
import re
from pathlib import Path

import pytest

from .conftest import Served
from .published import public_tables

HTML = {"Accept": "text/html"}


def page(server: Served, path: str, who: str | None = None) -> str:
    with server.client(who, **HTML) as client:
        response = client.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/html")
    return response.text


def test_the_front_page_tells_what_is_here_how_fresh_and_what_was_rejected(server: Served) -> None:
    text = page(server, "/")
    for table in public_tables():
        assert f">{table}</a>" in text
    for words in (
        "2026-01-15 12:30:00 UTC",
        "One row per service and minute with events.",
        "260 read",
        "invalid_timestamp",
        "20 of 24 hours have no clean event",
        "Requests per minute",
        "/sluice/orders.csv",
    ):
        assert words in text, words
    assert text.count('<svg class="chart"') == 2


@pytest.mark.parametrize(
    "path",
    ["/", "/sluice", "/sluice/orders", "/sluice/orders/o1", "/api", "/sign-in", "/nowhere"]
    + ["/sluice?sql=select+1+as+one", "/sluice/orders?_where=nothing("],
)
def test_pages_need_nothing_from_elsewhere_and_are_well_formed(server: Served, path: str) -> None:
    with server.client(**HTML) as client:
        response = client.get(path)
        text = response.text
        loaded = re.findall(r'(?:src|href)="([^"]+)"[^>]*>', re.sub(r"<a [^>]*>", "", text))
        assert loaded
        for address in loaded:
            assert address.startswith(("/", server.base)), address
            assert client.get(address).status_code in (200, 403), address
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert len(re.findall(r"<(?:script|style)\b(?![^>]*(?:nonce=|src=))", text)) == 0
    assert not re.search(r'<[a-z][^>]*\s(?:style|on[a-z]+)="', text)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert '<html lang="en">' in text
    assert len(re.findall(r"<h1\b", text)) == 1


def test_tables_carry_their_documentation(server: Served) -> None:
    text = page(server, "/sluice/service_metrics_per_minute")
    assert "99th percentile of latency; null when no event had one. [ms]" in text
    assert "sorted by minute descending" in text
    assert 'id="facet-service"' in text
    assert "One row per event of this tenant." in page(server, "/acme/events", "acme")
    assert "One row per accepted service event." in page(server, "/sluice/service_events/e0001")
    assert "_build" not in page(server, "/sluice").replace("build_id", "")
    answer = server.get("/sluice/service_metrics_per_minute.json?_size=3").json()
    assert answer["units"] == {"p99_latency_ms": "ms"}


def test_sql_for_everybody(server: Served) -> None:
    rows = server.get(
        "/sluice.json", sql="select service, count(*) as n from service_events group by 1"
    ).json()["rows"]
    assert rows == [["checkout", 125], ["search", 125]]
    assert "checkout" in page(server, "/sluice?sql=select+service+from+service_events+limit+1")
    assert server.get("/sluice.json", sql="select nothing").status_code == 400


@pytest.mark.parametrize("table", sorted(public_tables()))
def test_every_table_has_pages_json_and_complete_csv(server: Served, table: str) -> None:
    definition, rows = public_tables()[table]
    expected = [["" if value is None else str(value) for value in row] for row in rows]
    page(server, f"/sluice/{table}")
    assert server.get(f"/sluice/{table}.json?_shape=objects").json()["filtered_table_rows_count"] == len(
        expected
    )
    for query in ("", "?_stream=1", "?_size=max"):
        response = server.get(f"/sluice/{table}.csv{query}")
        header, *body = csv.reader(io.StringIO(response.text))
        assert sorted(body) == sorted(expected)
        assert all(f"{name} " in definition for name in header)


def test_csv_takes_datasettes_filters(server: Served) -> None:
    def lines(query: str) -> list[list[str]]:
        return list(csv.reader(io.StringIO(server.get(f"/sluice/service_events.csv?{query}").text)))

    assert len(lines("service__exact=search")) == 126
    assert len(lines("_where=latency_ms+>+100&_sort_desc=latency_ms")) == 250 - 19 + 1
    assert lines("_sort_desc=latency_ms&_col=latency_ms")[1] == ["e0249", "1369.5"]
    assert len(lines("_header=off")) == 250
    assert len(lines("_size=10")) == 11
    assert (
        server.get("/sluice/service_events.csv?_dl=1").headers["content-disposition"].startswith("attachment")
    )
    assert server.get("/sluice/service_events.csv?_sort=nothing").status_code == 400
    assert server.get("/sluice/service_events.csv?_where=nonsense(").status_code == 400
    assert server.get("/sluice/no_such.csv").status_code == 404
    tenant = server.get("/acme/events.csv", "acme").text
    assert len(list(csv.reader(io.StringIO(tenant)))) == 41


def test_the_lineage_site(server: Served) -> None:
    assert "dbt Docs" in page(server, "/lineage")
    assert "dbt Docs" in page(server, "/lineage/")
    manifest = server.get("/lineage/manifest.json")
    assert manifest.status_code == 200
    assert "globex" not in manifest.text
    assert str(server.home) not in manifest.text
    assert "landing/{name}/*.csv" in manifest.text
    assert server.get("/lineage/catalog.json").json() == {}
    for name in ("run_results.json", "../tokens.yml", "%2e%2e/tokens.yml", "graph.gpickle"):
        assert server.get(f"/lineage/{name}").status_code in (302, 403, 404), name
    with server.client() as client:
        assert client.get("/lineage/%2e%2e/tokens.yml", follow_redirects=True).status_code == 404


def test_monitoring_has_exactly_the_listed_names(server: Served) -> None:
    server.get("/metrics?limit=x")
    landing = server.home / "landing" / "orders" / "ingest_date=2026-01-15"
    text = server.get("/prometheus").text
    names = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert names == {
        "sluice_landing_files_waiting",
        "sluice_landing_oldest_waiting_seconds",
        "sluice_records_read_total",
        "sluice_quarantined_records_total",
        "sluice_last_build_timestamp_seconds",
        "sluice_last_build_success",
        "sluice_build_duration_seconds",
        "sluice_last_event_timestamp_seconds",
        "sluice_http_requests_total",
        "sluice_http_request_seconds",
        "sluice_http_timeouts_total",
        "sluice_token_file_ok",
    }
    for line in (
        'sluice_records_read_total{feed="service_events"} 260.0',
        'sluice_quarantined_records_total{feed="service_events",reason="invalid_timestamp"} 4.0',
        "sluice_last_build_success 1.0",
        "sluice_build_duration_seconds 8.5",
        'sluice_last_event_timestamp_seconds{feed="tenant_events"} 1.7684748e+09',
        'sluice_http_requests_total{route="/metrics",status="400"}',
    ):
        assert line in text, line
    assert not landing.exists()


def test_landing_files_that_wait(server: Served) -> None:
    from sluice.serve import prometheus

    folder: Path = server.home / "landing" / "orders" / "ingest_date=2026-01-16"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("order_id\no1\n")
    (folder / "b.csv.tmp").write_text("order_id\n")

    landing = server.home / "landing"
    families = {
        family.name: family.samples[0].value for family in prometheus.Landing().families(landing, set())
    }
    assert families["sluice_landing_files_waiting"] == 1
    assert 0 <= families["sluice_landing_oldest_waiting_seconds"] < 60
    stat = (folder / "a.csv").stat()
    seen = {("orders/ingest_date=2026-01-16/a.csv", stat.st_size, prometheus.modified_text(stat.st_mtime_ns))}
    families = {
        family.name: family.samples[0].value for family in prometheus.Landing().families(landing, seen)
    }
    assert list(families.values()) == [0, 0]


def test_errors_are_pages_for_people_and_json_for_programs(server: Served) -> None:
    with server.client(**HTML) as client:
        assert "<h1>Not for you to see</h1>" in client.get("/globex").text
        assert client.get("/globex/events.json").json()["status"] == 403
        assert client.get("/metrics?x=1").json()["status"] == 400
        assert "Nothing here" in client.get("/sluice/nothing").text
    assert server.get("/sluice/nothing").json() == {"ok": False, "error": "Table not found", "status": 404}


def test_introspection_is_for_admins(server: Served) -> None:
    for name in ("metadata", "settings", "databases", "plugins", "versions", "threads"):
        assert [server.get(f"/-/{name}.json", who).status_code for who in (None, "acme", "operator")] == [
            403
        ] * 3
        assert server.get(f"/-/{name}.json", "admin").status_code == 200
    assert server.get("/-/actor.json").json() == {"actor": None}

"""The process: starts on an empty home, stops gracefully, says clearly what is wrong, leaves files alone."""

import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sluice.home import PROJECT_ROOT
from sluice.serve.__main__ import is_loopback

from .conftest import TOKENS, Served, tokens_yaml
from .published import operations_tables, public_tables, publish, tenant_tables, write


def serve(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    command = [str(PROJECT_ROOT / "scripts" / "serve"), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env=variables | environment, timeout=60, check=False
    )


def test_an_empty_home_is_not_ready_until_files_appear(start: Callable[..., Served], tmp_path: Path) -> None:
    served = start()
    for path in ("/ready", "/metrics", "/sluice/orders.csv"):
        response = served.get(path)
        assert response.status_code in (404, 503), path
        assert response.json()["error"]
    assert served.get("/ready").json() == {
        "ok": False,
        "error": "nothing has been published yet",
        "status": 503,
    }
    assert served.get("/health").status_code == 200
    assert "Nothing to show yet" in served.get("/").text
    assert "sluice_landing_files_waiting 0.0" in served.get("/prometheus").text
    assert not (tmp_path / "published").exists()
    publish(tmp_path)
    assert served.get("/ready").status_code == 200
    assert len(served.get("/metrics").json()["rows"]) == 240
    assert served.get("/sluice/orders.json").status_code == 200


def test_a_file_without_a_build_is_not_ready(start: Callable[..., Served], tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "sluice.db").write_bytes(b"this is not a database" * 100)
    served = start()
    assert served.get("/ready").status_code == 503
    assert served.get("/").status_code == 200
    assert served.get("/metrics").status_code == 503
    assert served.get("/sluice").status_code < 500
    assert str(tmp_path) not in served.get("/ready").text + served.get("/sluice.json").text


def test_a_new_build_and_a_replaced_file_are_seen_without_a_restart(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    publish(tmp_path)
    served = start()
    assert served.get("/ready").json()["build_id"] == "b1"
    write(tmp_path / "published" / "sluice.db", public_tables(services=("only",), minutes=3), build_id="b2")
    assert served.get("/ready").json()["build_id"] == "b2"
    assert {row["service"] for row in served.get("/metrics").json()["rows"]} == {"only"}
    for file in (tmp_path / "published").glob("sluice.db*"):
        file.unlink()
    assert served.get("/ready").status_code == 503
    write(tmp_path / "published" / "sluice.db", public_tables(services=("new",), minutes=2), build_id="b3")
    assert served.get("/ready").json()["build_id"] == "b3"
    assert {row["service"] for row in served.get("/metrics").json()["rows"]} == {"new"}


def test_published_files_are_never_written(start: Callable[..., Served], tmp_path: Path) -> None:
    publish(tmp_path)
    files = sorted((tmp_path / "published").rglob("*.db"))
    before = [(path, path.stat().st_mtime_ns, path.read_bytes()) for path in files]
    served = start()
    for path in ("/", "/ready", "/metrics", "/sluice/orders", "/sluice/orders.csv", "/prometheus"):
        assert served.get(path).status_code == 200
    assert before == [(path, path.stat().st_mtime_ns, path.read_bytes()) for path in files]
    assert sorted((tmp_path / "published").rglob("*.db")) == files


def test_a_signal_stops_it_gracefully(start: Callable[..., Served], tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        served = start()
        served.process.send_signal(number)
        assert served.process.wait(timeout=60) == 0
    assert "Traceback" not in (tmp_path / "serve.log").read_text()


def test_a_busy_port_is_an_error_that_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = serve("--port", str(port), SLUICE_HOME=str(tmp_path))
    assert result.returncode == 1
    assert f"127.0.0.1:{port}" in result.stderr
    assert "in use" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments", [("--port", "x"), ("--port", "70000"), ("--port", "-1"), ("extra",), ("--bogus",)]
)
def test_wrong_usage_exits_2(arguments: tuple[str, ...]) -> None:
    result = serve(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert "usage" in result.stderr


def test_help_tells_the_truth() -> None:
    result = serve("--help")
    assert result.returncode == 0
    for word in (
        "--host",
        "--port",
        "8001",
        "127.0.0.1",
        "SLUICE_HOME",
        "SLUICE_TOKENS_FILE",
        "SLUICE_PII_KEY",
    ):
        assert word in result.stdout


def test_beyond_loopback_a_key_for_personal_data_is_needed(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    result = serve("--host", "0.0.0.0", "--port", "0", SLUICE_HOME=str(tmp_path))
    assert result.returncode == 1
    assert "SLUICE_PII_KEY" in result.stderr
    addresses = ("127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "10.0.0.1")
    assert [is_loopback(address) for address in addresses] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
    bad = serve(SLUICE_HOME=str(tmp_path), SLUICE_SQL_TIME_LIMIT_MS="soon")
    assert (bad.returncode, "SLUICE_SQL_TIME_LIMIT_MS" in bad.stderr) == (1, True)
    unknown = serve("--host", "no.such.host.invalid", SLUICE_HOME=str(tmp_path))
    assert (unknown.returncode, "Traceback" in unknown.stderr) == (1, False)


def test_a_thousand_tenants_under_1024_descriptors(start: Callable[..., Served], tmp_path: Path) -> None:
    tenants = [f"tenant-{number:04}" for number in range(1000)]
    first = tmp_path / "published" / "tenants" / f"{tenants[0]}.db"
    write(first, tenant_tables(tenants[0], events=3))
    for tenant in tenants[1:]:
        first.with_name(f"{tenant}.db").write_bytes(first.read_bytes())
    write(tmp_path / "published" / "operations.db", operations_tables(tenants))
    write(tmp_path / "published" / "sluice.db", public_tables())
    (tmp_path / "tokens.yml").write_text(tokens_yaml())
    served = start(limit_descriptors=1024, SLUICE_TOKENS_FILE=str(tmp_path / "tokens.yml"))
    with served.client("admin") as client:
        began = time.monotonic()
        for tenant in tenants:
            assert len(client.get("/events", params={"tenant_id": tenant}).json()["rows"]) == 3
        assert client.get("/").status_code == 200
        assert client.get("/.json").status_code == 200
        for tenant in tenants[::20]:
            assert client.get(f"/{tenant}/events.json?_shape=array").status_code == 200
        print(f"1,000 tenants in {time.monotonic() - began:.1f} s")
    descriptors = list(Path(f"/proc/{served.process.pid}/fd").iterdir())
    assert len(descriptors) < 400
    assert TOKENS


def test_a_tenant_named_like_a_page_has_a_page_of_its_own(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    publish(tmp_path, tenants=["acme", "metrics", "sluice", "_internal", "-"])
    (tmp_path / "tokens.yml").write_text(tokens_yaml())
    served = start(SLUICE_TOKENS_FILE=str(tmp_path / "tokens.yml"))
    for tenant in ("metrics", "sluice", "_internal", "-"):
        assert len(served.get("/events", "admin", tenant_id=tenant).json()["rows"]) == 40
    for path in ("/TENANT-metrics", "/TENANT-sluice", "/_internal", "/TENANT--"):
        assert served.get(f"{path}/events.json", "admin").status_code == 200, path
        assert served.get(f"{path}/events.json", "acme").status_code == 403, path
    assert "service_metrics_per_minute" in served.get("/sluice.json").text


def test_one_slow_query_neither_hangs_nor_blocks(start: Callable[..., Served], tmp_path: Path) -> None:
    publish(tmp_path)
    served = start(SLUICE_SQL_TIME_LIMIT_MS="300")
    endless = "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n"
    with served.client() as client:
        for path in ("/sluice.json", "/sluice.csv", "/sluice/orders.json", "/sluice/orders.csv"):
            began = time.monotonic()
            parameters = {"sql": endless} if path.startswith("/sluice.") else {"_where": f"({endless}) = 1"}
            response = client.get(path, params=parameters)
            assert response.status_code == 400 or response.status_code == 503, path
            assert "took" in response.json()["error"], path
            assert time.monotonic() - began < 15
        counters = client.get("/prometheus").text
    assert "sluice_http_timeouts_total 4.0" in counters


def test_a_writer_beside_it_is_never_held_up(start: Callable[..., Served], tmp_path: Path) -> None:
    publish(tmp_path)
    served = start()
    for number in range(20):
        write(tmp_path / "published" / "sluice.db", public_tables(minutes=10 + number), build_id=f"b{number}")
        rows = served.get("/metrics", service="search").json()["rows"]
        assert len(rows) == 10 + number
    connection = sqlite3.connect(tmp_path / "published" / "sluice.db")
    assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    connection.close()

"""A probe as each identity: nothing of a tenant, not even its name, shows to whom it does not belong."""

# ruff: noqa: E501 - lists of addresses stay dense

import base64
import itertools
import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from .conftest import TOKENS, Served
from .published import SECRETS

IDENTITIES = (None, "unknown", "expired", "acme", "globex", "operator", "admin")
OWNS = {"acme": {"acme"}, "globex": {"globex"}, "admin": {"acme", "globex"}}
FORMATS = (
    (
        "",
        ".json",
        ".csv",
        ".jsono",
        ".blob",
        ".db",
        ".atom",
        ".json?_shape=array",
        ".csv?_stream=1",
        ".csv?_safe=1",
    )
    + (
        ".csv?_size=5",
        ".csv?_trace=1",
        ".csv?_dl=1&_header=off",
        ".blob?_blob_column=payload",
        ".json?_shape=object",
    )
    + ("?_hide_sql=1", ".db-wal", ".db-shm", ".yml", ".parquet")
)
OPERATORS_ONLY = ("yesterday", "ingest_date=2026-01-15/a.csv")
"""What a rejected record and the ledger hold: contents and names of files."""
FILES = (
    "tokens.yml",
    "pii.key",
    "warehouse.duckdb",
    "landing/orders/a.csv",
    "published/operations.db",
    ".env",
    "serve.log",
)
SQL = (
    "select * from events",
    "select name, sql from sqlite_master",
    "select * from tenant_usage_daily",
    "select * from pragma_database_list",
    "select * from pragma_table_list",
    "select load_extension('x')",
    "select * from _internal.databases",
    "with x as (select 1) select * from globex.events",
    "select readfile('tenants/globex.db')",
    "select writefile('x', 'y')",
    "select edit('x')",
    "select * from dbstat",
    "select sql from sqlite_stmt",
    "select * from sqlite_dbpage",
    "select * from fsdir('.')",
    "select * from csv('tokens.yml')",
    "select * from pragma_compile_options",
    "select hex(fts3_tokenizer('simple'))",
    "select zipfile('x', 'y')",
    "attach database 'tenants/{name}.db' as other",
    "select 1; attach 'x' as y",
    "explain select * from events",
    "pragma database_list",
    "select * from json_each((select group_concat(name) from sqlite_master))",
)
INTROSPECTION = (
    "metadata", "config", "settings", "databases", "threads", "plugins", "versions", "actor", "permissions",
    "allow-debug", "messages", "patterns", "auth-token", "auth-token?token=x", "logout", "static/../app.py",
    "static-plugins/sluice/x", "static/%2e%2e/app.py", "nothing",
)  # fmt: skip


def spellings(name: str) -> list[str]:
    """Ways to write a database's name in a path."""
    encoded = "".join(f"%{ord(letter):02x}" for letter in name)
    tilde = "".join(f"~{ord(letter):02X}" for letter in name)
    return [
        name, name.upper(), encoded, tilde, quote(encoded), f"TENANT-{name}", f"tenants~2F{name}", f"tenants/{name}",
        f"{name}.db", f"tenants%2F{name}", f"..%2Ftenants%2F{name}", f"./{name}", f"{name}%00", f"{name};x",
        f"sluice/..%2F{name}", f"/{name}", f"//{name}", f"{name}/", f"{name}//events", f"{name}.",
    ]  # fmt: skip


def paths(name: str) -> Iterator[str]:
    """Everything that might lead to a tenant's data."""
    for spelling in spellings(name):
        yield f"/{spelling}"
        yield f"/{spelling}/events.json"
    for table in (
        "tags",
        "metrics_per_minute",
        "metrics_per_hour",
        "metrics_per_day",
        "usage_daily",
        "_build",
    ):
        yield f"/{name}/{table}.json"
        yield f"/{name}/{table}.csv"
    for extension in FORMATS:
        yield f"/{name}{extension}"
        yield f"/{name}/events{extension}"
        yield f"/{name}/events/{name}-001{extension}"
        yield f"/{name}/no_such_table{extension}"
    for database, sql in itertools.product(
        (name, "sluice", "operations", "_memory", "_internal", ":memory:"), SQL
    ):
        yield f"/{database}.json?sql={quote(sql.format(name=name))}"
    for sql, ending in itertools.product(SQL[:4], (".csv", ".csv?_safe=1", "")):
        yield f"/sluice{ending}{'&' if '?' in ending else '?'}sql={quote(sql.format(name=name))}"
    for file, before in itertools.product(
        FILES, ("", "assets/", "lineage/", "-/static/", "assets/..%2f", "-/static/..%2f")
    ):
        yield f"/{before}{file}"
        yield f"/{before}..%2f..%2f{file}"
    for page in INTROSPECTION:
        yield f"/-/{page}"
        yield f"/-/{page}.json"
    for argument in (
        "_facet=payload", "_facet=source", "_facet_array=payload", "_facet_date=event_at", "_search=anvil", "_where=1=1",
        "_where=exists(select+1+from+events)", "_sort=event_id", "_sort=nothing", "_next=x", "_size=max", "_size=-1",
        "_col=nothing", "_labels=on", "_trace=1", "_context=1", "_timelimit=x", "_facet_size=x", "event_id__glob=*",
        "_through=x", "_extras=foreign_key_tables", "_ttl=x", "_json=payload", "_nl=on&_shape=array",
    ):  # fmt: skip
        yield f"/{name}/events.json?{argument}"
        yield f"/sluice/service_events.json?{argument}"
    token = base64.urlsafe_b64encode(json.dumps(["events", "2026", name]).encode()).decode().rstrip("=")
    for query in (
        f"tenant_id={name}", f"tenant_id={name}&page_size=1000", f"tenant_id={name}%20", f"tenant_id=%20{name}",
        f"tenant_id={name.upper()}", f"tenant_id={name}&tenant_id={name}", f"tenant_id=.%2F{name}",
        f"tenant_id=TENANT-{name}", f"tenant_id={name}&next={token}", f"tenant_id={name}&source=web",
        f"tenant_id={name}&from=x", f"tenant_id={name}&bucket_size=day", f"tenant_id={name}&limit=x",
        f"tenant_id={name}%00", f"tenant_id=%2e%2e%2ftenants%2f{name}", "tenant_id=*", "tenant_id=%25", "",
    ):  # fmt: skip
        yield f"/events?{query}"
        yield f"/metrics?{query}"
    yield from (
        "/", "/.json", "/.jsono", "/sluice", "/sluice.json", "/operations", "/operations.json",
        "/operations/tenant_usage_daily.json", "/operations/tenant_usage_daily.csv", "/ready", "/prometheus", "/api",
        "/openapi.json", "/lineage", "/lineage/manifest.json", "/lineage/catalog.json", "/lineage/../tokens.yml",
        "/lineage/run_results.json", "/sign-in", "/assets/", "/assets/../app.py", "/assets/%2e%2e/app.py",
        "/assets/..%2f..%2f..%2fpublished/tenants", "/favicon.ico", "/_memory", "/_internal", "/_internal/databases.json",
        "/:memory:", "/_memory.json?sql=select+1", f"/published/tenants/{name}.db", "/sluice/%2e%2e/operations.json",
    )  # fmt: skip


def ask(client: httpx.Client, path: str) -> httpx.Response:
    """The path as it is written, without the client's tidying."""
    raw = path.encode().partition(b"?")
    request = client.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=b"".join(raw))
    return client.send(request, follow_redirects=False)


def probe(server: Served, who: str | None) -> dict[int, int]:
    """Ask everything as somebody; how many answers had which status. Fails at a word that is not theirs."""
    hidden = [tenant for tenant in SECRETS if tenant not in OWNS.get(who or "", set())]
    statuses: dict[int, int] = {}
    with server.client(who, Accept="text/html, */*") as client:
        for tenant in SECRETS:
            for path in paths(tenant):
                response = ask(client, path)
                statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
                assert response.status_code < 500, path
                if who in ("unknown", "expired"):
                    assert response.status_code == 401, path
                shown = response.text + str(response.headers.get("content-disposition", ""))
                if who not in ("operator", "admin"):
                    for word in OPERATORS_ONLY:
                        assert word not in shown, f"{who} sees {word!r} at {path}"
                for other in hidden:
                    # An operator reads operations.db, whose usage table names the tenants.
                    names_are_known = who == "operator" and path.startswith("/operations")
                    words = (
                        SECRETS[other][1:]
                        if names_are_known or other in path.lower() or "%" in path
                        else SECRETS[other]
                    )
                    for word in words:
                        assert word not in shown, f"{who} sees {word!r} of {other} at {path}"
    return statuses


@pytest.mark.parametrize("who", IDENTITIES)
def test_no_request_shows_anything_of_another_tenant(server: Served, who: str | None) -> None:
    statuses = probe(server, who)
    assert sum(statuses.values()) > 600
    if who in OWNS:
        assert statuses[200] > 30


def test_other_names_and_no_names_get_the_same_answer(server: Served) -> None:
    for who in (None, "acme", "operator"):
        with server.client(who) as client:
            for path in paths("globex"):
                if path.startswith(("/operations", "/sluice", "/-/")) or "globex" not in path:
                    continue
                there, absent = ask(client, path), ask(client, path.replace("globex", "initec"))
                assert there.status_code == absent.status_code, path
                assert there.text.replace("globex", "*") == absent.text.replace("initec", "*"), path


def test_a_database_added_later_is_covered(server: Served) -> None:
    (server.home / "published" / "tenants" / "late.db").write_bytes(
        (server.home / "published" / "tenants" / "globex.db").read_bytes()
    )
    assert [
        server.get("/late/events.json", who).status_code for who in (None, "acme", "globex", "operator")
    ] == [403] * 4
    assert server.get("/late/events.json", "admin").status_code == 200


def test_nothing_can_be_written(server: Served) -> None:
    before = {path: path.read_bytes() for path in (server.home / "published").rglob("*.db")}
    statements = (
        "insert into orders values (1)",
        "delete from orders",
        "drop table orders",
        "vacuum",
        "create table x(y)",
    )
    with server.client("admin") as client:
        for sql in (*statements, "with x as (select 1) delete from orders", "select 1; delete from orders"):
            response = client.get("/sluice.json", params={"sql": sql})
            assert response.status_code == 400, sql
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for path in (
                "/",
                "/sluice",
                "/sluice/orders",
                "/sluice/orders/o1",
                "/-/messages",
                "/metrics",
                "/events",
            ):
                response = client.request(method, path, content=b"{}")
                assert (response.status_code, response.json()["status"]) == (405, 405), (method, path)
    assert before == {path: path.read_bytes() for path in before}
    assert TOKENS

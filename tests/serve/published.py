"""Published files as section 5 of the contract describes them, small, with names that give leaks away."""

# ruff: noqa: E501 - rows of test tables stay on one line

import datetime as dt
import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

PUBLISHED_AT = "2026-01-15T12:30:00.000000Z"
START = dt.datetime(2026, 1, 15, 10, 0, tzinfo=dt.UTC)
METRICS = (
    "request_count integer, latency_count integer, avg_latency_ms real, p50_latency_ms real, p95_latency_ms real,"
    " p99_latency_ms real, status_count integer, error_count integer, error_rate real"
)
SECRETS = {
    "acme": ("acme", "anvil-order-7731", "Wile E."),
    "globex": ("globex", "doomsday-laser-42", "Hank S."),
}
"""What only the tenant (and an admin) may ever see; the first is the tenant's name."""


def instant(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def bucket(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def write(path: Path, tables: dict[str, tuple[str, Iterable[Sequence[Any]]]], build_id: str = "b1") -> None:
    """Create or refill a published file in place, in one transaction."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode = wal")
    tables = {
        **tables,
        "_build": (
            "build_id text, published_at text, contract_version text",
            [(build_id, PUBLISHED_AT, "1")],
        ),
    }
    with connection:
        for name, (columns, rows) in tables.items():
            connection.execute(f"create table if not exists {name} ({columns})")
            connection.execute(f"delete from {name}")
            rows = list(rows)
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                connection.executemany(f"insert into {name} values ({marks})", rows)
        if "events" in tables:
            connection.execute("create index if not exists events_by_time on events (event_at, event_id)")
    connection.close()


def metric_rows(services: Sequence[str], buckets: int, step: dt.timedelta) -> Iterable[tuple[Any, ...]]:
    """Rows in key order; every seventh bucket has no status, so no error rate."""
    for service in services:
        for number in range(buckets):
            statuses = 0 if number % 7 == 6 else 10
            errors = number % 3 if statuses else 0
            yield (
                service, bucket(START + number * step), 12, 11, 20.5 + number, 18.0, 44.25, 60.125,
                statuses, errors, errors / statuses if statuses else None,
            )  # fmt: skip


def public_tables(services: Sequence[str] = ("checkout", "search"), minutes: int = 120) -> dict[str, Any]:
    """The tables of sluice.db."""
    day = START.date().isoformat()
    return {
        "service_metrics_per_minute": (
            f"service text, minute text, {METRICS}, primary key (service, minute)",
            metric_rows(services, minutes, dt.timedelta(minutes=1)),
        ),
        "service_metrics_per_hour": (
            f"service text, hour text, {METRICS}, primary key (service, hour)",
            metric_rows(services, 3, dt.timedelta(hours=1)),
        ),
        "service_metrics_per_day": (
            f"service text, day text, {METRICS}, primary key (service, day)",
            metric_rows(services, 2, dt.timedelta(days=1)),
        ),
        "service_events": (
            "event_id text primary key, service text, event_type text, event_at text, event_at_raw text,"
            " latency_ms real, status_code integer, user_key text, ingest_date text",
            [
                (f"e{number:04}", services[number % len(services)], "request",
                 instant(START + dt.timedelta(seconds=number)), "raw", 5.5 * number, 200, "ab" * 32, day)
                for number in range(250)
            ],  # fmt: skip
        ),
        "service_anomalies": (
            "service text, minute text, metric text, value real, expected real, score real, direction text,"
            " primary key (service, minute, metric)",
            [],
        ),
        "customers": (
            "customer_id text primary key, email_key text, country text, created_at text",
            [("c1", "cd" * 32, "NL", instant(START))],
        ),
        "product_events": (
            "event_id text primary key, customer_id text, event_type text, event_at text, platform text,"
            " session_id text, duration_ms real, ingest_date text",
            [("p1", "c1", "view", instant(START), "web", "s1", 12.0, day)],
        ),
        "orders": (
            "order_id text primary key, customer_id text, ordered_at text, amount real, currency text, status text,"
            " ingest_date text",
            [("o1", "c1", instant(START), 19.9, "EUR", "paid", day)],
        ),
        "daily_metrics": (
            "ingest_date text, feed text, records_read integer, clean_count integer, duplicate_count integer,"
            " quarantined_count integer, quarantine_rate real, repaired_count integer, p50_duration_ms real,"
            " p95_duration_ms real, primary key (ingest_date, feed)",
            [
                (day, "service_events", 260, 250, 4, 6, 6 / 260, 3, None, None),
                (day, "orders", 1, 1, 0, 0, 0.0, 0, None, None),
            ],
        ),
        "daily_order_totals": (
            "ingest_date text, currency text, status text, order_count integer, amount real,"
            " primary key (ingest_date, currency, status)",
            [(day, "EUR", "paid", 1, 19.9)],
        ),
        "hourly_events": (
            "feed text, event_date text, hour integer, event_count integer, primary key (feed, event_date, hour)",
            [("service_events", day, 10, 250), ("tenant_events", day, 11, 40), ("tenant_events", day, 9, 4)],
        ),
        "transactions": (
            "id text primary key, description text, amount real, transacted_at text, merchant text,"
            " operation_type text, side text, category text, category_status text, model_version text",
            [("t1", "Lunch", 12.5, instant(START), "Cafe", "card", "debit", "food", "done", "m1")],
        ),
        "quarantine_summary": (
            "feed text, ingest_date text, reject_reason text, record_count integer,"
            " primary key (feed, ingest_date, reject_reason)",
            [
                ("service_events", day, "invalid_timestamp", 4),
                ("service_events", day, "missing_service", 2),
                ("orders", day, "unknown_customer_id", 1),
            ],
        ),
        "alerts": (
            "ingest_date text, alert text, feed text, severity text, observed real, threshold real, message text,"
            " primary key (ingest_date, alert, feed)",
            [(day, "missing_hours", "service_events", "warning", 20.0, 4.0, "20 of 24 hours have no clean event")],
        ),
    }  # fmt: skip


def operations_tables(tenants: Iterable[str] = ("acme", "globex")) -> dict[str, Any]:
    """The tables of operations.db."""
    day = START.date().isoformat()
    file = f"service_events/ingest_date={day}/a.csv"
    return {
        "quarantine": (
            "quarantine_id integer primary key, feed text, file text, ingest_date text, reject_reasons text,"
            " raw_record text, loaded_at text",
            [(1, "service_events", file, day, '["invalid_timestamp"]', '{"timestamp": "yesterday"}', instant(START))],
        ),
        "file_loads": (
            "feed text, file text, ingest_date text, status text, size_bytes integer, modified_at text,"
            " records_read integer, clean_count integer, duplicate_count integer, quarantined_count integer,"
            " loaded_at text, error text",
            [("service_events", file, day, "loaded", 26, instant(START), 260, 250, 4, 6, instant(START), None)],
        ),
        "pipeline_runs": (
            "run_id text primary key, started_at text, finished_at text, status text, files_loaded integer,"
            " records_read integer, clean_count integer, quarantined_count integer, seconds real",
            [("r1", instant(START), instant(START), "success", 1, 260, 250, 6, 8.5)],
        ),
        "reject_reasons": (
            "reject_reason text primary key, meaning text",
            [("invalid_timestamp", "The timestamp is in no accepted format.")],
        ),
        "tenant_usage_daily": (
            "tenant_id text, event_date text, event_count integer, payload_bytes integer, share_of_events real,"
            " primary key (tenant_id, event_date)",
            [(tenant, day, 40, 900, 0.5) for tenant in tenants],
        ),
    }  # fmt: skip


def tenant_tables(tenant: str, events: int = 40) -> dict[str, Any]:
    """The tables of one tenant's file."""
    secret, person = SECRETS.get(tenant, (tenant, f"{tenant}-note", f"{tenant}-person"))[1:]

    def buckets(column: str, step: dt.timedelta) -> tuple[str, list[tuple[Any, ...]]]:
        columns = (
            f"source text, event_type text, {column} text, event_count integer, amount_sum real,"
            f" primary key (source, event_type, {column})"
        )
        return columns, [
            (source, kind, bucket(START + number * step), 2, 4.5)
            for source in ("app", "web")
            for kind in ("click", "order")
            for number in range(5)
        ]

    return {
        "events": (
            "event_id text primary key, source text, event_type text, event_at text, schema_version integer,"
            " payload text, product_name text",
            [
                (
                    f"{tenant}-{number:03}", "web" if number % 2 else "app", "order" if number % 4 == 0 else "click",
                    instant(START + dt.timedelta(seconds=number // 2)), 1,
                    json.dumps({"product": secret, "user": person, "n": number}), secret,
                )
                for number in range(events)
            ],
        ),
        "metrics_per_minute": buckets("minute", dt.timedelta(minutes=1)),
        "metrics_per_hour": buckets("hour", dt.timedelta(hours=1)),
        "metrics_per_day": buckets("day", dt.timedelta(days=1)),
        "usage_daily": (
            "event_date text primary key, event_count integer, payload_bytes integer",
            [(START.date().isoformat(), events, 900)],
        ),
    }  # fmt: skip


def publish(home: Path, tenants: Iterable[str] = ("acme", "globex")) -> None:
    """A whole published folder."""
    tenants = list(tenants)
    for tenant in tenants:
        write(home / "published" / "tenants" / f"{tenant}.db", tenant_tables(tenant))
    write(home / "published" / "operations.db", operations_tables(tenants))
    write(home / "published" / "sluice.db", public_tables())


def write_manifest(target: Path) -> None:
    """A manifest with a few published models, as `dbt parse` leaves it."""
    target.mkdir(parents=True, exist_ok=True)

    def model(
        database: str, table: str, description: str, columns: dict[str, Any], **published: Any
    ) -> dict[str, Any]:
        return {
            "resource_type": "model",
            "unique_id": f"model.{table}",
            "name": table,
            "alias": table,
            "description": description,
            "compiled_code": "select * from read_csv('/landing/tenant_events/globex.csv')",
            "config": {"materialized": "table", "meta": {"publish": {database: published}}},
            "columns": columns,
        }

    def column(text: str, **meta: Any) -> dict[str, Any]:
        return {"description": text, "config": {"meta": meta}}

    nodes = [
        model(
            "sluice", "service_metrics_per_minute", "One row per service and minute with events.",
            {
                "service": column("The service, in lower case."),
                "minute": column("Start of the minute, UTC."),
                "p99_latency_ms": column("99th percentile of latency; null when no event had one.", unit="ms"),
                "error_rate": column("Share of statuses outside 200–299; null without statuses."),
            },
            key=["service", "minute"], sort_desc="minute", facets=["service"],
        ),
        model(
            "sluice", "service_events", "One row per accepted service event.",
            {"latency_ms": column("How long it took.", unit="ms")}, key=["event_id"], sort_desc="event_at",
        ),
        model("sluice", "quarantine_summary", "One row per feed, ingest date and reason.", {}),
        model("operations", "quarantine", "One row per rejected record, as it came.", {}),
        model(
            "tenants", "events", "One row per event of this tenant.",
            {"payload": column("The JSON object that was posted.")}, sort_desc="event_at",
        ),
    ]  # fmt: skip
    location = f"{target.parent}/landing/{{name}}/*.csv"
    manifest = {
        "sources": {"source.orders": {"resource_type": "source", "meta": {"external_location": location}}},
        "metadata": {"env": {"WHO": "globex"}},
        "nodes": {f"model.{node['name']}": node for node in nodes},
    }
    (target / "manifest.json").write_text(json.dumps(manifest))
    (target / "catalog.json").write_text("{}")
    (target / "index.html").write_text("<!doctype html><html><head><title>dbt Docs</title></head></html>")

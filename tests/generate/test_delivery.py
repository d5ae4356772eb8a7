"""What a delivery holds: the same bytes every time, all of the mess, and a truth that adds up."""

import csv
import hashlib
import io
import json
import re
from pathlib import Path

import duckdb
import pytest

from sluice.generate import generate
from sluice.generate.dress import ODD_DRESSES, REGULAR_DRESSES
from sluice.generate.feeds import FEEDS
from sluice.generate.time_shapes import ACCEPTED, REFUSED

from .agreement import DAYS, ROWS, Delivery, table
from .landing import delimiter_of, records_of, text_of

STRUCTURAL = {
    "too_few_columns",
    "too_many_columns",
    "unterminated_quote",
    "invalid_encoding",
    "line_too_long",
}
REASONS = {
    "service_events": "missing_event_id missing_service missing_event_type missing_timestamp"
    " invalid_timestamp",
    "customers": "missing_customer_id",
    "product_events": "missing_event_id missing_event_time invalid_event_time missing_customer_id"
    " unknown_customer_id invalid_duration_ms",
    "orders": "missing_order_id missing_order_time invalid_order_time missing_customer_id unknown_customer_id"
    " missing_amount invalid_amount negative_amount"
    " non_positive_amount_for_status missing_status unknown_status",
    "tenant_events": "missing_event_id missing_tenant_id invalid_tenant_id missing_source missing_event_type"
    " missing_timestamp invalid_timestamp invalid_payload payload_too_large",
    "transactions": "missing_id missing_timestamp invalid_timestamp missing_amount invalid_amount"
    " negative_amount missing_side invalid_side",
}
REPAIRS = {
    "service_events": {"latency_ms", "status_code"},
    "customers": {"email", "created_at"},
    "product_events": set(),
    "orders": {"currency"},
    "tenant_events": {"schema_version"},
    "transactions": set(),
}
TIME = {"product_events": "event_time", "orders": "order_time", "customers": "created_at"}


def digests(home: Path) -> dict[str, str]:
    files = sorted(path for path in home.rglob("*") if path.is_file())
    return {
        path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second, other = tmp_path / "first", tmp_path / "second", tmp_path / "other"
    for home, seed in ((first, 11), (second, 11), (other, 12)):
        generate(300, 2, seed, home, ["service_events", "tenant_events"])
    assert digests(first) == digests(second)
    assert not set(digests(first).values()) & set(digests(other).values())
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("feed", list(FEEDS))
def test_the_counts_add_up(delivery: Delivery, feed: str) -> None:
    told = delivery.summary.feeds[feed]
    assert told.rows == ROWS == told.clean + told.duplicates + told.quarantined
    files = {path.relative_to(delivery.landing).as_posix() for path in (delivery.landing / feed).rglob("*.*")}
    assert files == set(told.file_names) and len(files) == told.files
    assert len({name.split("/")[1] for name in files}) == DAYS
    records, entities = table(delivery.home, f"{feed}_records"), table(delivery.home, f"{feed}_entities")
    assert duckdb.execute(f"select count(*), max(record_number) < count(*) from {records}").fetchone() == (
        ROWS,
        True,
    )
    assert duckdb.execute(
        f"""select bool_and((verdict = 'quarantined') = (len(reasons) > 0)),
            bool_and(reasons = list_sort(reasons)), bool_and(verdict = 'quarantined' or key is not null),
            count(distinct key) filter (verdict = 'clean') from {records}"""
    ).fetchone() == (True, True, True, told.clean)
    assert duckdb.execute(f"select count(*) from {entities}").fetchone() == (told.clean,)
    saved = json.loads((delivery.home / "ground_truth" / "summary.json").read_text())
    assert saved["feeds"][feed]["quarantined_by_reason"] == told.quarantined_by_reason


@pytest.mark.parametrize("feed", list(FEEDS))
def test_every_reason_and_repair_occurs(delivery: Delivery, feed: str) -> None:
    told = delivery.summary.feeds[feed]
    assert set(told.quarantined_by_reason) == STRUCTURAL | set(REASONS[feed].split())
    assert set(told.repaired_by_column) == REPAIRS[feed]
    alone = duckdb.execute(
        f"select distinct reasons[1] from {table(delivery.home, f'{feed}_records')} where len(reasons) = 1"
    )
    assert {row[0] for row in alone.fetchall()} == set(told.quarantined_by_reason), "each reason alone, too"


@pytest.mark.parametrize("feed", list(FEEDS))
def test_every_way_to_write_a_time_occurs(delivery: Delivery, feed: str) -> None:
    shapes = duckdb.execute(
        f"select distinct time_shape from {table(delivery.home, f'{feed}_records')}"
    ).fetchall()
    assert {row[0] for row in shapes} - {None} == {shape.name for shape in ACCEPTED}
    column = TIME.get(feed, "timestamp")
    texts = {
        record.texts.get(column)
        for path in (delivery.landing / feed).rglob("*.*")
        for record in records_of(delivery.landing, path, feed)
    }
    refused = {text.strip('"').format(date="2026-01-01", year=2026) for text in REFUSED}
    assert refused <= texts, refused - texts


def test_keys_come_again_in_every_way(delivery: Delivery) -> None:
    records = table(delivery.home, "service_events_records")
    found = duckdb.execute(
        f"""with told as (
                select key, count(*) as copies, count(distinct file) as files,
                    count(distinct file[:38]) as days, count(*) filter (verdict = 'quarantined') as refused
                from {records} where key is not null group by key having count(*) > 1
            )
            select count(*) filter (files = 1) > 50, count(*) filter (files > 1 and days = 1) > 20,
                count(*) filter (days > 1) > 50, count(*) filter (copies > 2) > 20,
                count(*) filter (refused > 0) > 20 from told"""
    ).fetchone()
    assert found == (True,) * 5


def test_customers_come_late_or_never(delivery: Delivery) -> None:
    counts = duckdb.execute(
        f"""select count(*) filter (c.ingest_date > o.ingest_date) > 100,
                count(*) filter (c.customer_id is null)
            from {table(delivery.home, "orders_entities")} as o
            left join {table(delivery.home, "customers_entities")} as c using (customer_id)"""
    ).fetchone()
    assert counts == (True, 0)
    assert delivery.summary.feeds["orders"].quarantined_by_reason["unknown_customer_id"] > 50


def test_amounts_statuses_and_tenants_are_all_there(delivery: Delivery) -> None:
    orders = [
        record.texts
        for path in (delivery.landing / "orders").rglob("*.*")
        for record in records_of(delivery.landing, path, "orders")
        if not record.fault
    ]
    texts = {record["amount"] or "" for record in orders}
    for shape in (r"[0-9]{3},[0-9]{3}\.[0-9]{2}", r"\.[0-9]{2}", r"0,075", r"-5\.00", r"0\.00", r"1_000"):
        assert any(re.search(f"^(1,)?[0-9]*{shape}$", text) for text in texts), shape
    statuses = duckdb.execute(
        f"select status, count(*) filter (amount = 0) > 0 from {table(delivery.home, 'orders_entities')}"
        " group by status order by status"
    ).fetchall()
    assert statuses == [
        ("cancelled", True), ("chargeback", False), ("failed", True),
        ("paid", False), ("pending", True), ("refunded", False),
    ]  # fmt: skip
    tenants = duckdb.execute(
        f"select count(distinct tenant_id) from {table(delivery.home, 'tenant_events_entities')}"
    ).fetchone()
    assert tenants[0] >= 20


def test_minute_metrics_belong_to_the_entities(delivery: Delivery) -> None:
    metrics, entities = (
        table(delivery.home, "service_metrics_per_minute"),
        table(delivery.home, "service_events_entities"),
    )
    summed = duckdb.execute(
        f"select sum(request_count), sum(latency_count), sum(status_count), sum(error_count) from {metrics}"
    ).fetchone()
    counted = duckdb.execute(
        f"select count(*), count(latency_ms), count(status_code), count(*) filter (status_code >= 300)"
        f" from {entities}"
    ).fetchone()
    assert summed == counted
    assert duckdb.execute(
        f"""select bool_and(p50_latency_ms <= p95_latency_ms and p95_latency_ms <= p99_latency_ms),
            count(*) = count(distinct (service, minute)) from {metrics}"""
    ).fetchone() == (True, True)


def test_python_reads_every_file(tmp_path: Path) -> None:
    """Without structural faults, the csv module finds the records counted, each as wide as the header."""
    summary = generate(1_000, 3, 4, tmp_path, structural_faults=False)
    for feed, told in summary.feeds.items():
        counts = dict(
            duckdb.execute(
                f"select file, count(*) from {table(tmp_path, f'{feed}_records')} group by 1"
            ).fetchall()
        )
        for name in told.file_names:
            text = text_of(tmp_path / "landing" / name)
            delimiter = delimiter_of(text.split("\n", 1)[0], FEEDS[feed].columns)
            header, *records = [
                row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row
            ]
            assert len(records) == counts[name]
            assert {len(row) for row in records} == {len(header)}


def test_files_wear_every_dress(delivery: Delivery) -> None:
    dresses = {
        (dress.delimiter, dress.suffix, dress.in_hour_folder) for dress in (*REGULAR_DRESSES, *ODD_DRESSES)
    }
    worn = set()
    marks = set()
    for path in (delivery.landing / "service_events").rglob("*.*"):
        text = text_of(path)
        header = text.split("\n", 1)[0]
        delimiter = delimiter_of(header, FEEDS["service_events"].columns)
        worn.add((delimiter, path.name.split(".", 1)[1], path.parent.name.startswith("hour=")))
        marks |= {path.read_bytes()[:2]}
        marks |= {mark for mark in ("\r", "EVENT_ID", "trace_id", " Event_Id ") if mark in header}
        marks |= {"no user_id"} if "user_id" not in header.lower() else set()
        marks |= {"blank line"} if "\n\n" in text else set()
    assert worn == dresses
    assert marks >= {
        b"\xff\xfe",
        b"\xfe\xff",
        b"\xef\xbb",
        "\r",
        "EVENT_ID",
        "trace_id",
        " Event_Id ",
        "no user_id",
        "blank line",
    }

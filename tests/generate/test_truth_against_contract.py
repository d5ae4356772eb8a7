"""The truth is made, not computed from the files; here they are read by other means and must say the same."""

import json
from pathlib import Path

import duckdb
import pytest

from sluice.generate import generate
from sluice.generate.feeds import FEEDS

from .agreement import Delivery, assert_truth_agrees, known_customers, table


@pytest.fixture(scope="module")
def customers(delivery: Delivery) -> set[str]:
    return known_customers(delivery.home)


@pytest.mark.parametrize("feed", list(FEEDS))
def test_an_independent_reading_agrees(delivery: Delivery, customers: set[str], feed: str) -> None:
    assert_truth_agrees(delivery.home, feed, customers)


@pytest.mark.parametrize(("rows", "days", "seed"), [(1, 2, 3), (104, 2, 49), (163, 1, 31)])
def test_small_deliveries_agree(tmp_path: Path, rows: int, days: int, seed: int) -> None:
    generate(rows, days, seed, tmp_path)
    customers = known_customers(tmp_path)
    for feed in FEEDS:
        assert_truth_agrees(tmp_path, feed, customers)


def test_large_deliveries_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large runs keep rare forms together, and make each large file on its own."""
    for limit, rows in (("LARGE_RUN", 1), ("LARGEST_BATCH", 400), ("LARGEST_FILE", 900)):
        monkeypatch.setattr(f"sluice.generate.layout.{limit}", rows)
    feeds = ["customers", "service_events", "tenant_events"]
    generate(8_000, 2, 5, tmp_path, feeds)
    for feed in feeds:
        assert_truth_agrees(tmp_path, feed, set())


def test_without_customers_every_order_is_of_an_unknown_one(tmp_path: Path) -> None:
    summary = generate(400, 1, 5, tmp_path, ["orders"])
    assert_truth_agrees(tmp_path, "orders", set())
    assert summary.feeds["orders"].clean == 0


def test_columns_of_tenant_events_stand_in_their_payloads(delivery: Delivery) -> None:
    rows = duckdb.sql(
        f"""select payload, schema_version, user_id, user_first_name, user_last_name,
            product_id, product_name, amount::double, pii_contains
            from {table(delivery.home, "tenant_events_entities")}"""
    ).fetchall()
    versions = set()
    for payload, version, *told in rows:
        found = json.loads(payload) if payload else {}
        if "user" in found:
            user, product = found["user"], found["product"]
            read = [
                user["id"],
                user["first_name"],
                user["last_name"],
                product["id"],
                product["name"],
                found["amount"],
            ]
        elif "user_id" in found:
            first, last = found["user_name"].split(" ", 1)
            read = [
                found["user_id"],
                first,
                last,
                found["product"],
                found["product_name"],
                float(found["amount"]),
            ]
        else:
            assert told == [None] * 7
            continue
        assert [*read, found["processing_flags"]["pii_contains"]] == told
        versions.add((version, "user" in found))
    assert versions == {(1, False), (2, True)}

"""The bad input that issue 3 names, with the verdict the contract gives on each."""

# ruff: noqa: E501 - rows of test tables stay on one line

import json
import sqlite3
from contextlib import closing

import pytest
from tests.pipeline.harness import DataHome, csv_text
from tests.shop.deliveries import ORDER, PRODUCT_EVENT, customers, event, events, order, orders
from tests.shop.outputs import lake_tables, reports

pytestmark = pytest.mark.slow  # many builds

JANUARY_1 = "ingest_date=2026-01-01"
BAD_ORDERS = {
    "paid order of 0": (order("zero", amount=0), ["non_positive_amount_for_status"]),
    "failed order of 0": (order("free", amount=0, status="failed"), []),
    "refund of -5": (order("minus", amount=-5, status="refunded"), ["negative_amount", "non_positive_amount_for_status"]),
    "thousands": (order("thousands", amount="1,234.50"), []),
    "decimal comma in a file of both signs": (order("comma", amount="1234,50"), []),
    "either sign in a file of both": (order("either", amount="1.234"), ["invalid_amount"]),
    "bare fraction": (order("bare", amount=".75"), []),
    "not a number": (order("nan", amount="NaN"), ["invalid_amount"]),
    "15 digits by an exponent": (order("huge", amount="3000.5e11"), ["invalid_amount"]),
    "unknown status": (order("shipped", status="shipped"), ["unknown_status"]),
    "currency": (order("currency", currency="EURO"), []),
    "late customer": (order("late", customer="c9"), ["unknown_customer_id"]),
    "late and odd": (order("odd", customer="c9", currency="EURO"), ["unknown_customer_id"]),
    "late and negative": (order("both", customer="c9", amount=-1, status="failed"), ["negative_amount", "unknown_customer_id"]),
}  # fmt: skip
BAD_EVENTS = {
    "24 h": (event("day", duration=86_400_000), []),
    "24 h and 1 ms": (event("long", duration=86_400_001), ["invalid_duration_ms"]),
    "late customer": (event("late", customer="c9"), ["unknown_customer_id"]),
}


@pytest.fixture(scope="module")
def shop(shop_home: DataHome) -> DataHome:
    """One delivery of everything bad, built once."""
    shop_home.clear()
    people = customers("c1", "c2") + "c3,nobody,NL,never\n"
    shop_home.write(f"customers/{JANUARY_1}/a.csv", people)
    shop_home.write(f"orders/{JANUARY_1}/a.csv", orders(*(row for row, _ in BAD_ORDERS.values())))
    shop_home.write(f"product_events/{JANUARY_1}/a.csv", events(*(row for row, _ in BAD_EVENTS.values())))
    shop_home.write(f"product_events/{JANUARY_1}/half.csv", csv_text(PRODUCT_EVENT[:4], [event("half")[:4]]))
    twice = [order("twice", currency=""), order("same"), order("rival", currency="USD")]
    shop_home.write(f"orders/{JANUARY_1}/b.csv", csv_text(ORDER, twice))
    shop_home.write(
        "orders/ingest_date=2026-01-02/b.csv",
        csv_text(ORDER, [order("twice"), order("same"), order("rival")]),
    )
    shop_home.build()
    return shop_home


def _rows(home: DataHome, sql: str, database: str = "sluice") -> list[tuple]:
    with closing(sqlite3.connect(home.root / "published" / f"{database}.db")) as db:
        return db.execute(sql).fetchall()


def _verdicts(home: DataHome, feed: str, key: str) -> dict[str, list[str]]:
    quarantined = _rows(
        home, f"select raw_record, reject_reasons from quarantine where feed = '{feed}'", "operations"
    )
    return {json.loads(record)[key]: json.loads(reasons) for record, reasons in quarantined}


def test_every_bad_order_and_event_gets_its_verdict(shop: DataHome) -> None:
    expected = {row[0]: reasons for row, reasons in BAD_ORDERS.values() if reasons}
    assert _verdicts(shop, "orders", "order_id") == expected
    expected = {row[0]: reasons for row, reasons in BAD_EVENTS.values() if reasons}
    assert _verdicts(shop, "product_events", "event_id") == expected


def test_amounts_are_exact_and_repairs_of_kept_records_counted(shop: DataHome) -> None:
    amounts = dict(_rows(shop, "select order_id, amount from orders"))
    assert (amounts["othousands"], amounts["obare"], amounts["ofree"]) == (1234.5, 0.75, 0.0)
    assert _rows(shop, "select currency from orders where order_id = 'ocurrency'") == [(None,)]
    assert _rows(shop, "select email_key, created_at from customers where customer_id = 'c3'") == [
        (None, None)
    ]
    repaired = _rows(
        shop,
        f"select feed, repaired_count from daily_metrics where ingest_date = '{JANUARY_1[12:]}' order by feed",
    )
    assert repaired == [("customers", 1), ("orders", 1), ("product_events", 0)]
    told = reports(shop)[f"{JANUARY_1}/validation_report.json"]["feeds"]
    assert told["customers"]["repaired_by_column"] == {"created_at": 1, "email": 1}
    assert told["orders"]["repaired_by_column"] == {"currency": 1}


def test_an_order_in_two_files_counts_once_with_the_better_currency(shop: DataHome) -> None:
    best = "select order_id, currency, ingest_date from orders where order_id in ('otwice', 'osame', 'orival') order by order_id"
    assert _rows(shop, best) == [
        ("orival", "USD", "2026-01-01"), ("osame", "EUR", "2026-01-01"), ("otwice", "EUR", "2026-01-02")
    ]  # fmt: skip
    assert _rows(
        shop,
        "select clean_count, duplicate_count from daily_metrics where feed = 'orders' and ingest_date = '2026-01-02'",
    ) == [(1, 2)]


def test_a_file_with_half_its_columns_is_read(shop: DataHome) -> None:
    half = _rows(
        shop, "select platform, session_id, duration_ms from product_events where event_id = 'phalf'"
    )
    assert half == [(None, None, None)]


def test_the_customer_arrives_three_days_late_and_leaves_again(shop: DataHome) -> None:
    quarantined = (
        "select rowid, raw_record from quarantine where reject_reasons not like '%unknown_customer_id%'"
    )
    stayed = _rows(shop, quarantined, "operations")
    shop.write("customers/ingest_date=2026-01-04/late.csv", customers("c9"), modified=1_800_000_000)
    shop.build()
    assert set(stayed) < set(_rows(shop, quarantined, "operations")), (
        "only the records of the customer are sent again"
    )
    assert _rows(shop, "select count(*) from orders where customer_id = 'c9'") == [(2,)]
    repaired = "select repaired_count from daily_metrics where feed = 'orders' and ingest_date = '2026-01-01'"
    assert _rows(shop, repaired) == [(2,)]
    assert _rows(shop, "select count(*) from product_events where customer_id = 'c9'") == [(1,)]
    assert _verdicts(shop, "orders", "order_id")["oboth"] == ["negative_amount"]
    released = lake_tables(shop)
    assert "olate" in {row[0] for row in released["clean/orders"]}

    shop.write("customers/ingest_date=2026-01-04/late.csv", customers("c8"), modified=1_800_000_060)
    shop.build()
    assert _verdicts(shop, "orders", "order_id")["olate"] == ["unknown_customer_id"]
    told = reports(shop)[f"{JANUARY_1}/validation_report.json"]["feeds"]["orders"]
    assert told["quarantined_by_reason"]["unknown_customer_id"] == 3
    assert told["repaired_by_column"] == {"currency": 1}
    assert _rows(shop, repaired) == [(1,)]
    assert "olate" not in {row[0] for row in lake_tables(shop)["clean/orders"]}


def test_without_any_customer_only_named_customers_are_unknown(shop_home: DataHome) -> None:
    """`null not in (nothing)` is true: neither a missing customer nor a structural fault may become an unknown one."""
    shop_home.clear()
    bad = orders(order("nobody", customer=""), order("somebody")) + "o1,c1,too few\n"
    shop_home.write(f"orders/{JANUARY_1}/a.csv", bad)
    shop_home.build()
    reasons = _rows(
        shop_home, "select reject_reasons, count(*) from quarantine group by 1 order by 1", "operations"
    )
    assert reasons == [
        ('["missing_customer_id"]', 1), ('["too_few_columns"]', 1), ('["unknown_customer_id"]', 1)
    ]  # fmt: skip

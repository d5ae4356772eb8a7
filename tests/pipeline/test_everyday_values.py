"""Values as people really write them: amounts, dates, words for nothing, keys of spreadsheets; and what alerts say."""

# ruff: noqa: E501 - rows of test tables stay on one line

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.pipeline.everyday import AS_OF, HEADER, Deliveries, event, files_of, rejected
from tests.pipeline.harness import DataHome, csv_text

ORDERS = ("order_id", "customer_id", "order_time", "amount", "currency", "status")
deliveries = Deliveries()


@pytest.fixture(scope="module")
def built(shared_home: DataHome) -> DataHome:
    """All deliveries, read by one build."""
    return deliveries.build(shared_home)


@deliveries.on("2026-01-06", "orders")
def deliver_amounts(home: DataHome, day: str) -> None:
    def file(*amounts: str) -> str:
        rows = [
            (f"{day[-2:]}-{amount}", "c1", "2026-01-01T10:00:00Z", amount, "EUR", "paid")
            for amount in amounts
        ]
        return csv_text(ORDERS, rows)

    home.write(f"{day}/point.csv", file("12.50", "1,234.56", "$9.99", "0,075", "000,123", "1.234", "(300)"))
    home.write(f"{day}/comma.csv", file("12,50", "1.234,56", "1.234", "12,345", "1 000,5", "€ 7,25"))
    home.write(f"{day}/mixed.csv", file("5,25", "5.25", "7.123", "8"))


def test_a_file_of_decimal_commas_is_read_so(built: DataHome) -> None:
    rows = built.query(
        "select loads.file, records.order_id, records.amount from stg_landing__orders as records"
        " join state.loads as loads on records._load_id = loads.load_id"
        " where loads.ingest_date = '2026-01-06' and not list_contains(coalesce(_reject_reasons, []), 'invalid_amount')"
    )
    amounts = {(Path(file).stem, key.partition("-")[2]): float(amount) for file, key, amount in rows}
    assert amounts == {
        ("point", "12.50"): 12.5, ("point", "1,234.56"): 1234.56, ("point", "$9.99"): 9.99, ("point", "1.234"): 1.234,
        ("point", "(300)"): -300, ("comma", "12,50"): 12.5, ("comma", "1.234,56"): 1234.56, ("comma", "1.234"): 1234,
        ("comma", "12,345"): 12.345, ("comma", "1 000,5"): 1000.5, ("comma", "€ 7,25"): 7.25,
        ("mixed", "5,25"): 5.25, ("mixed", "5.25"): 5.25, ("mixed", "8"): 8,
    }  # fmt: skip
    assert files_of(built, "2026-01-06", "decimal", "orders") == {
        "point.csv": ("point",), "comma.csv": ("comma",), "mixed.csv": ("mixed",),
    }  # fmt: skip


@deliveries.on("2026-01-07")
def deliver_dates(home: DataHome, day: str) -> None:
    def file(name: str, *dates: str) -> str:
        return "\n".join([HEADER, *(event(f"{name} {date}", date) for date in dates)]) + "\n"

    home.write(f"{day}/us.csv", file("us", "01/13/2026", "02/03/2026 4:05 PM", "2/28/26"))
    home.write(f"{day}/eu.csv", file("eu", "13.01.2026", "02.03.2026", "3.4.26"))
    home.write(f"{day}/open.csv", file("open", "02/03/2026", "03/04/26"))
    home.write(f"{day}/both.csv", file("both", "01/13/2026", "13/01/2026", "02/03/2026"))


def test_a_file_tells_the_order_of_day_and_month(built: DataHome) -> None:
    rows = built.query(
        "select event_id, cast(event_at as varchar) from service_events where ingest_date = '2026-01-07'"
    )
    assert {key: at.removesuffix(" 00:00:00") for key, at in rows} == {
        "us 01/13/2026": "2026-01-13", "us 02/03/2026 4:05 PM": "2026-02-03 16:05:00", "us 2/28/26": "2026-02-28",
        "eu 13.01.2026": "2026-01-13", "eu 02.03.2026": "2026-03-02", "eu 3.4.26": "2026-04-03",
        "open 02/03/2026": "2026-03-02", "both 01/13/2026": "2026-01-13", "both 13/01/2026": "2026-01-13",
    }  # fmt: skip
    assert [reasons for reasons, _ in rejected(built, "2026-01-07")] == [["ambiguous_timestamp"]] * 2
    assert files_of(built, "2026-01-07", "date_order, is_date_order_assumed") == {
        "us.csv": ("mdy", False), "eu.csv": ("dmy", False), "open.csv": ("dmy", True), "both.csv": ("mixed", False),
    }  # fmt: skip


@deliveries.on("2026-01-11", "orders")
def deliver_words_for_nothing(home: DataHome, day: str) -> None:
    def row(key: str, customer: str = "c1") -> tuple:
        return (key, customer, "2026-01-01T10:00:00Z", "5", "EUR", "paid")

    rows = [
        row(key)
        for key in ("NULL", "null", "N/A", "#N/A", "None", "nil", "(null)", "undefined", "-", "--", "\\N")
    ]
    home.write(
        f"{day}/keys.csv", csv_text(ORDERS, [*rows, row("fine"), row("\u200bfine2\ufeff\u00a0\u3000")])
    )


def test_words_for_nothing_are_no_keys(built: DataHome) -> None:
    assert built.query("select order_id from orders where ingest_date = '2026-01-11' order by 1") == [
        ("fine",),
        ("fine2",),
    ]
    reasons = [reasons for reasons, _ in rejected(built, "2026-01-11", "orders")]
    assert reasons == [["missing_order_id"]] * 11


@deliveries.on("2026-01-11", "customers")
def deliver_a_country_called_na(home: DataHome, day: str) -> None:
    home.write(f"{day}/namibia.csv", "customer_id,email,country\nc9,,N/A\nc10,,NULL\nc11,,\\N\n")


def test_a_country_may_be_called_na(built: DataHome) -> None:
    rows = built.query(
        "select customer_id, country from customers where ingest_date = '2026-01-11' order by 1"
    )
    assert rows == [("c10", "NULL"), ("c11", None), ("c9", "N/A")]


@deliveries.on("2026-01-12", "tenant_events")
def deliver_folded_tenants(home: DataHome, day: str) -> None:
    header = "event_id,tenant_id,source,event_type,timestamp"
    rows = "".join(
        f"t{number},{name},web,click,2026-01-01\n"
        for number, name in enumerate(("\u212a", "\u0130stanbul", "K"))
    )
    home.write(f"{day}/a.csv", f"{header}\n{rows}")


def test_letters_that_fold_to_ascii_name_no_tenant(built: DataHome) -> None:
    assert built.query("select distinct tenant_id from tenant_events") == [("k",)]
    assert [reasons for reasons, _ in rejected(built, "2026-01-12", "tenant_events")] == [
        ["invalid_tenant_id"]
    ] * 2


@deliveries.on("2026-01-15", "orders")
def deliver_the_same_key_often(home: DataHome, day: str) -> None:
    rows = [("9.91214E+15", "c1", f"2026-01-0{number}", number, "EUR", "paid") for number in range(1, 6)]
    home.write(f"{day}/sheet.csv", csv_text(ORDERS, rows))


def test_many_duplicates_are_an_alert(built: DataHome) -> None:
    alerts = built.query(
        "select observed, message from alerts where alert = 'duplicate_rate' and ingest_date = '2026-01-15'"
    )
    assert [observed for observed, _ in alerts] == [0.8]
    assert "9.91214" not in alerts[0][1]


def test_alerts_say_since_when(built: DataHome) -> None:
    first = built.query(
        "select alert, feed, file, first_seen_at from alerts where alert != 'stale_feed' order by all"
    )
    built.build(*AS_OF)
    assert (
        built.query(
            "select alert, feed, file, first_seen_at from alerts where alert != 'stale_feed' order by all"
        )
        == first
    )
    with closing(sqlite3.connect(built.root / "published" / "operations.db")) as db:
        assert db.execute("select count(*) from alerts where file is not null").fetchone()[0]
    with closing(sqlite3.connect(built.root / "published" / "sluice.db")) as db:
        columns = [row[1] for row in db.execute("pragma table_info(alerts)")]
    assert "first_seen_at" in columns and "file" not in columns

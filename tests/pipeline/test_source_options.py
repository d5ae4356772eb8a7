"""Options of a source, as its YAML gives them: each decides where the file would have been looked at otherwise.

The parsed project is changed in place, as dbt reads it: `config: {meta: {…}}` of a table or column of the source `landing`.
"""

# ruff: noqa: E501 - rows of test tables stay on one line

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.pipeline.harness import DataHome, csv_text

pytestmark = pytest.mark.slow  # many builds

EVENT = ("event_id", "service", "event_type", "timestamp")
ORDER = ("order_id", "customer_id", "order_time", "amount", "currency", "status")
Declare = Callable[..., None]


@pytest.fixture
def declare(home: DataHome) -> Iterator[Declare]:
    """`declare(feed, column=None, **options)`: what the YAML says for the builds of this test."""
    home.dbt("parse")
    assert home.manifest
    undo = []

    def say(feed: str, column: str | None = None, **options: Any) -> None:
        source = home.manifest.sources[f"source.sluice.landing.{feed}"]
        declared = source.columns[column] if column else source
        before = dict(declared.config.meta)
        declared.config.meta.update(options)
        undo.append((declared, before))
        home.manifest.build_flat_graph()

    yield say
    for declared, before in reversed(undo):
        declared.config.meta.clear()
        declared.config.meta.update(before)
    home.manifest.build_flat_graph()


def events(home: DataHome) -> list[tuple[str, str]]:
    return home.query("select event_id, cast(event_at as varchar) from service_events order by event_id")


def test_files_without_a_header(home: DataHome, declare: Declare) -> None:
    declare("service_events", header=False)
    home.write(
        "service_events/ingest_date=2026-01-01/a.csv",
        "e1,cart,get,2026-01-01,5,200,u1,1\ne2,cart,get,2026-01-02,5,200,u1,1\n",
    )
    home.build()
    assert [key for key, _ in events(home)] == ["e1", "e2"]
    assert home.query("select header_kind, records_read from file_loads") == [("none", 2)]


def test_encoding_delimiter_and_quote(home: DataHome, declare: Declare) -> None:
    declare("service_events", encoding="cp437", delimiter="~", quote="'")
    text = "~".join(EVENT) + "\n'é~1'~cart~get~2026-01-01\n'it''s'~cart~get~2026-01-01\n"
    home.write("service_events/ingest_date=2026-01-01/a.csv", text.encode("cp437"))
    home.build()
    assert [key for key, _ in events(home)] == ["it's", "é~1"]
    assert home.query("select encoding, is_encoding_guessed, delimiter from file_loads") == [
        ("cp437", False, "~")
    ]


def test_dates_zone_and_range(home: DataHome, declare: Declare) -> None:
    declare(
        "service_events",
        date_order="mdy",
        time_zone="Europe/Berlin",
        timestamp_range=["2020-01-01", "2026-12-31"],
    )
    rows = [
        ("e1", "cart", "get", "01/02/2026 12:00"),
        ("e2", "cart", "get", "1/2/26"),
        ("e3", "cart", "get", "2026-07-01 12:00:00"),
        ("e4", "cart", "get", "2026-07-01T12:00:00Z"),
        ("e5", "cart", "get", "2026-10-25 02:30:00"),
        ("e6", "cart", "get", "2026-03-29 02:30:00"),
        ("e7", "cart", "get", "2019-12-31"),
        ("e8", "cart", "get", "13/01/2026"),
    ]
    home.write("service_events/ingest_date=2026-01-01/a.csv", csv_text(EVENT, rows))
    home.build()
    assert events(home) == [
        ("e1", "2026-01-02 11:00:00"),
        ("e2", "2026-01-01 23:00:00"),
        ("e3", "2026-07-01 10:00:00"),
        ("e4", "2026-07-01 12:00:00"),
        ("e5", "2026-10-25 00:30:00"),
    ]
    assert home.query("select reject_reasons from quarantine") == [(["invalid_timestamp"],)] * 3


def test_decimal_sign_null_words_and_formats(home: DataHome, declare: Declare) -> None:
    declare("orders", decimal="comma", null_words=["nichts"])
    declare("orders", "order_time", formats=["%d-%m-%Y um %H.%M"])
    home.write("customers/ingest_date=2026-01-01/a.csv", "customer_id\nc1\n")
    rows = [
        ("o1", "c1", "13-01-2026 um 11.32", "1.234", "EUR", "paid"),
        ("Nichts", "c1", "2026-01-13", "1,5", "EUR", "paid"),
        ("NULL", "c1", "2026-01-13", "1,5", "EUR", "paid"),
    ]
    home.write("orders/ingest_date=2026-01-01/a.csv", csv_text(ORDER, rows))
    home.build()
    assert home.query(
        "select order_id, cast(ordered_at as varchar), cast(amount as double) from orders order by 1"
    ) == [
        ("NULL", "2026-01-13 00:00:00", 1.5),
        ("o1", "2026-01-13 11:32:00", 1234.0),
    ]
    assert home.query("select reject_reasons from quarantine") == [(["missing_order_id"],)]


def test_an_option_belongs_to_the_rules(home: DataHome, declare: Declare) -> None:
    """Another option reads every file of the feed again, and those of no other feed."""
    home.write(
        "service_events/ingest_date=2026-01-01/a.csv", csv_text(EVENT, [("e1", "cart", "get", "02/03/2026")])
    )
    home.write("customers/ingest_date=2026-01-01/a.csv", "customer_id\nc1\n")
    home.build()
    assert events(home) == [("e1", "2026-03-02 00:00:00")]
    declare("service_events", date_order="mdy")
    home.build()
    assert events(home) == [("e1", "2026-02-03 00:00:00")]
    assert home.query("select feed, count(*) from state.loads group by feed order by feed") == [
        ("customers", 1),
        ("service_events", 2),
    ]


def test_an_option_that_does_not_exist_is_named(home: DataHome, declare: Declare) -> None:
    declare("service_events", date_order="day first")
    home.write(
        "service_events/ingest_date=2026-01-01/a.csv", csv_text(EVENT, [("e1", "cart", "get", "02/03/2026")])
    )
    result = home.build(expect_success=False)
    assert not result.success
    said = (
        " ".join(str(run.message) for run in result.result.results)
        if result.result
        else str(result.exception)
    )
    assert "date_order" in said and "dmy" in said

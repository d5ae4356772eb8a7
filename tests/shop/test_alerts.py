"""Each alert rule: the case that fires, and the nearest that does not. Reports keep to their schemas."""

# ruff: noqa: E501 - rows of test tables stay on one line

import datetime as dt
import json
import sqlite3
from contextlib import closing

import pytest
from jsonschema import Draft202012Validator
from tests.pipeline.harness import PROJECT, DataHome
from tests.shop.deliveries import customers, event, events, order, orders
from tests.shop.outputs import inodes, reports

AS_OF = "{as_of: '2026-01-31T10:00:00Z'}"
DAYS = [f"2026-01-{day:02}" for day in range(1, 11)]


@pytest.fixture(scope="module")
def alerted(shop_home: DataHome) -> DataHome:
    """Ten days of deliveries, some of them just within the thresholds and some just beyond."""
    shop_home.clear()
    shop_home.write("customers/ingest_date=2026-01-01/a.csv", customers("c1"))
    counts = [100] * 7 + [50, 49, 100]  # 50 of 100 is half; 49 of 100 is less
    for day, count in zip(DAYS, counts, strict=True):
        rows = [order(f"{day}-{number}", day=day) for number in range(count)]
        if day == DAYS[0]:
            rows[:5] = [order(f"{day}-bad{number}", amount=-1) for number in range(5)]  # 5 of 100 is 5 %
        if day == DAYS[1]:
            rows[:6] = [order(f"{day}-bad{number}", amount=-1) for number in range(6)]
        if day == DAYS[2]:
            rows[:51] = [order(f"{day}-bad{number}", amount=-1) for number in range(51)]
        shop_home.write(f"orders/ingest_date={day}/a.csv", orders(*rows))
    for day, hours in (("2026-01-01", range(4, 24)), ("2026-01-02", range(5, 24)), ("2026-01-31", range(1))):
        rows = [event(f"{day}-{hour}", day=day, hour=hour) for hour in hours]
        shop_home.write(f"product_events/ingest_date={day}/a.csv", events(*rows))
    service = "event_id,service,event_type,timestamp\n"
    shop_home.write(
        "service_events/ingest_date=2026-01-30/a.csv", f"{service}e1,cart,request,2026-01-30T10:00:00Z\n"
    )
    payment = "id,amount,timestamp,side\n"
    shop_home.write(
        "transactions/ingest_date=2026-01-30/a.csv", f"{payment}t1,1,2026-01-30T09:59:59Z,debit\n"
    )
    shop_home.write("orders/ingest_date=2026-01-10/broken.csv", "nothing,known\n1,2\n")
    shop_home.write("orders/ingest_date=2026-13-45/a.csv", "order_id\n1\n", modified=1_768_000_000)
    shop_home.write("returns/a.csv", "order_id\n1\n", modified=1_768_000_000)
    gaps = shop_home.root / "streams" / "gaps.jsonl"
    gaps.parent.mkdir()
    noted = [
        ("2026-01-03T23:59:59.999+00:00", "orders", "shop_a", "deleted", 40),
        ("2026-01-03T10:00:00.000+00:00", "orders", "shop_b", "deleted", 2),
        ("2026-01-03T10:00:00.000+00:00", "orders", "shop_b", "topic_reset", None),
        ("2026-01-04T00:00:00.000+00:00", "orders", "shop_a", "possible", None),
    ]
    lines = [
        json.dumps(dict(zip(("at", "feed", "topic", "kind", "lost"), gap, strict=True))) for gap in noted
    ]
    gaps.write_text("\n".join(lines) + '\n{"at": "2026-01-05T00:00:00Z", "feed": "ord')  # torn by a crash
    shop_home.build("--vars", AS_OF)
    return shop_home


def _alerts(home: DataHome, rule: str) -> list[tuple]:
    with closing(sqlite3.connect(home.root / "published" / "sluice.db")) as db:
        sql = "select ingest_date, feed, severity, observed, threshold from alerts where alert = ? order by 1, 2, 3"
        return db.execute(sql, (rule,)).fetchall()


def test_missing_hours_fires_for_five_and_not_for_four(alerted: DataHome) -> None:
    assert _alerts(alerted, "missing_hours") == [
        ("2026-01-02", "product_events", "warning", 5.0, 4.0),
        ("2026-01-30", "service_events", "warning", 23.0, 4.0),
        ("2026-01-31", "product_events", "info", 23.0, 4.0),
    ]


def test_volume_drop_fires_below_half_the_median_and_not_at_half(alerted: DataHome) -> None:
    assert _alerts(alerted, "volume_drop") == [("2026-01-09", "orders", "warning", pytest.approx(0.51), 0.5)]


def test_quarantine_rate_fires_above_five_percent_and_not_at_five(alerted: DataHome) -> None:
    assert _alerts(alerted, "quarantine_rate") == [
        ("2026-01-02", "orders", "warning", pytest.approx(0.06), 0.05),
        ("2026-01-03", "orders", "critical", pytest.approx(0.51), 0.05),
    ]


def test_file_failed_fires_for_each_file_that_cannot_be_loaded(alerted: DataHome) -> None:
    modified = dt.datetime.fromtimestamp(1_768_000_000, dt.UTC).date().isoformat()
    assert sorted(_alerts(alerted, "file_failed")) == sorted([
        (modified, "orders", "critical", 1.0, 0.0),
        (modified, "returns", "critical", 1.0, 0.0),
        ("2026-01-10", "orders", "critical", 1.0, 0.0),
    ])  # fmt: skip


def test_stale_feed_fires_after_a_day_and_not_at_a_day(alerted: DataHome) -> None:
    stale = {row[1]: row for row in _alerts(alerted, "stale_feed")}
    assert set(stale) == {"orders", "transactions"}
    assert stale["transactions"] == (
        "2026-01-30",
        "transactions",
        "warning",
        pytest.approx(24 + 1 / 3600),
        24.0,
    )


def test_stream_gap_fires_for_each_day_and_feed_that_lost_messages(alerted: DataHome) -> None:
    assert _alerts(alerted, "stream_gap") == [
        ("2026-01-03", "orders", "critical", 3.0, 0.0),
        ("2026-01-04", "orders", "warning", 1.0, 0.0),
    ]
    with closing(sqlite3.connect(alerted.root / "published" / "sluice.db")) as db:
        sql = "select message from alerts where alert = 'stream_gap' order by ingest_date"
        [first], [second] = db.execute(sql)
    assert first == (
        "before they landed, messages were gone from shop_a, shop_b: 42 are known to be lost,"
        " and in 1 of 3 gaps it is not known how many (streams/gaps.jsonl)"
    )
    assert "from shop_a: 0 are known to be lost, and in 1 of 1 gaps" in second


def test_reports_keep_to_their_schemas(alerted: DataHome) -> None:
    found = reports(alerted)
    assert {path.split("/")[0] for path in found} >= {f"ingest_date={day}" for day in DAYS}
    for path, report in found.items():
        name = path.split("/")[1].removesuffix(".json")
        schema = json.loads(
            (PROJECT / "scripts" / "sluice" / "deliver" / "reports" / f"{name}.schema.json").read_text()
        )
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(report)
    told = found["ingest_date=2026-01-02/validation_report.json"]["feeds"]["orders"]
    assert (told["records_read"], told["clean"], told["duplicates"], told["quarantined"]) == (100, 94, 0, 6)
    assert told["quarantined_by_reason"] == {"negative_amount": 6, "non_positive_amount_for_status": 6}
    assert told["null_rates"]["currency"] == 0 and told["tests"]["failed"] == 0


def test_only_reports_of_changed_dates_are_written_and_a_new_version_that_fails_is_told(
    alerted: DataHome,
) -> None:
    before = inodes(alerted.root / "reports")
    alerted.write(
        "orders/ingest_date=2026-01-04/a.csv",
        orders(order("2026-01-04-0", day="2026-01-04")),
        modified=1_800_000_000,
    )
    alerted.write("orders/ingest_date=2026-01-05/a.csv", "nothing,known\n1,2\n", modified=1_800_000_000)
    alerted.build("--vars", AS_OF)
    after = inodes(alerted.root / "reports")
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {
        ".sluice.json", "ingest_date=2026-01-04/validation_report.json", "ingest_date=2026-01-04/alerts.json",
        "ingest_date=2026-01-05/alerts.json",
    }  # fmt: skip
    told = reports(alerted)["ingest_date=2026-01-05/alerts.json"]["alerts"]
    assert [(alert["alert"], alert["severity"]) for alert in told] == [("file_failed", "warning")]
    assert "its earlier version stays" in told[0]["message"]

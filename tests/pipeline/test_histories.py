"""The central promise: whatever the order, repetition, lateness or rewriting of files, the tables that consumers see
are those of one clean load of the files as they are in the end."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.pipeline.harness import DataHome, csv_text

INSTANTS = st.sampled_from(
    [
        "2026-01-01T10:00:00Z",
        "2026-01-01 10:00:59",
        "2026-01-01 11:01:00+01:00",
        "02/01/2026 10:00:30",
        "1767261600",
        "soon",
        "",
    ]
)
CUSTOMERS = st.sampled_from(["c1", "c2", "c3", " c1 ", ""])
SERVICE_EVENT = {
    "event_id": st.sampled_from(["e1", "e2", "e3", "e4", " e1", ""]),
    "service": st.sampled_from(["cart", " CART ", "auth", ""]),
    "event_type": st.sampled_from(["request", "error"]),
    "timestamp": INSTANTS,
    "latency_ms": st.sampled_from(["", "5", "7.5", "1e2", "-1", "fast"]),
    "status_code": st.sampled_from(["", "200", "200.0", "503", "42"]),
    "user_id": st.sampled_from(["", "u1", "u2"]),
}
CUSTOMER = {
    "customer_id": CUSTOMERS,
    "email": st.sampled_from(["a@b.c", "B@b.c", "nobody", ""]),
    "country": st.sampled_from(["FR", "UK"]),
    "created_at": st.sampled_from(["2026-01-01", "2026-01-02 10:00", "", "never"]),
}
ORDER = {
    "order_id": st.sampled_from(["o1", "o2", "o3", ""]),
    "customer_id": CUSTOMERS,
    "order_time": INSTANTS,
    "amount": st.sampled_from(["5", "0", "-5", "1,234.50", "1234,50", ".75", "NaN", ""]),
    "currency": st.sampled_from(["eur", "GBP", "US", ""]),
    "status": st.sampled_from(["paid", "failed", "refunded", "shipped", ""]),
}
PRODUCT_EVENT = {
    "event_id": st.sampled_from(["p1", "p2", "p3", ""]),
    "customer_id": CUSTOMERS,
    "event_type": st.sampled_from(["view", ""]),
    "event_time": INSTANTS,
    "platform": st.sampled_from(["web", "IOS", ""]),
    "session_id": st.sampled_from(["s1", ""]),
    "duration_ms": st.sampled_from(["", "5", "0", "-1", "86400001"]),
}
FEEDS = {
    "service_events": SERVICE_EVENT,
    "customers": CUSTOMER,
    "orders": ORDER,
    "product_events": PRODUCT_EVENT,
}


@st.composite
def versions(draw: st.DrawFn, feed: str) -> str:
    """The text of one file of a feed, with its columns in some order."""
    columns = draw(st.permutations(list(FEEDS[feed])))
    rows = draw(st.lists(st.tuples(*(FEEDS[feed][column] for column in columns)), max_size=8))
    return csv_text(columns, rows)


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[str, str], list[list[tuple[str, str]]]]:
    """The files as they are in the end, and deliveries (lists of file and content, one build each) that lead there:
    in any order, with earlier versions of some files before their last one."""
    final: dict[str, str] = {}
    for feed in FEEDS:
        for number in range(draw(st.integers(0, 5))):
            day = draw(st.sampled_from(["2026-01-01", "2026-01-02"]))
            final[f"{feed}/ingest_date={day}/{number}.csv"] = draw(versions(feed))
    deliveries: list[tuple[str, str]] = []
    for file in draw(st.permutations(sorted(final))):
        if draw(st.booleans()):
            deliveries.append((file, draw(versions(file.split("/")[0]))))
    deliveries += [(file, final[file]) for file in draw(st.permutations(sorted(final)))]
    builds: list[list[tuple[str, str]]] = [[]]
    for delivery in deliveries:
        if builds[-1] and draw(st.integers(0, 3)) == 0:
            builds.append([])
        builds[-1].append(delivery)
    return final, builds


@pytest.mark.slow
@settings(
    max_examples=(settings().max_examples + 1) // 2,  # a history is several builds: fewer, of more files
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(history=histories())
def test_every_history_ends_in_the_tables_of_one_clean_load(home: DataHome, history) -> None:
    final, builds = history
    home.clear()
    for file, content in final.items():
        home.write(file, content, modified=1_000_000_000)
    home.build()
    expected = home.everything()

    home.clear()
    clock = 1_100_000_000
    for build in builds:
        for file, content in build:
            clock += 60
            home.write(file, content, modified=clock)
        home.assert_definitions(home.build())
    _assert_same(home.everything(), expected)

    home.build("--full-refresh")
    _assert_same(home.everything(), expected)


def test_a_second_build_changes_nothing(home: DataHome) -> None:
    home.write(
        "service_events/ingest_date=2026-01-01/a.csv",
        "event_id,service,event_type,timestamp\ne1,cart,request,2026-01-01\n",
    )
    home.build()
    before = home.everything()
    home.build()
    _assert_same(home.everything(), before)
    assert home.query("select files_loaded from state.runs order by started_at") == [(1,), (0,)]


def test_an_empty_landing_zone_is_no_error(home: DataHome) -> None:
    home.build()
    tables = home.everything()
    assert "service_events" in tables and "quarantine" in tables
    assert all(not rows for name, rows in tables.items() if name != "reject_reasons")


def _assert_same(found: dict[str, list[tuple]], expected: dict[str, list[tuple]]) -> None:
    for table, rows in expected.items():
        missing = [row for row in rows if row not in found[table]]
        surplus = [row for row in found[table] if row not in rows]
        assert found[table] == rows, f"{table}: missing {missing[:3]}, surplus {surplus[:3]}"

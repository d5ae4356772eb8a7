"""The promise, for what stands outside the databases: whatever the order of arrival, the lake, the reports and the
tables are those of one clean build of the files as they are in the end."""

# ruff: noqa: E501 - rows of test tables stay on one line

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.pipeline.harness import DataHome, csv_text
from tests.shop.deliveries import CUSTOMER, ORDER, PRODUCT_EVENT
from tests.shop.outputs import lake_tables, reports

IDS = st.sampled_from(["c1", "c2", "c3"])
TIMES = st.sampled_from(["2026-01-01T10:00:00Z", "2026-01-02 11:30", "soon"])
COLUMNS = {"customers": CUSTOMER, "orders": ORDER, "product_events": PRODUCT_EVENT}
ROWS = {
    "customers": st.tuples(IDS, st.sampled_from(["a@b.c", "x@y.z", "nobody"]), st.just("NL"), TIMES),
    "orders": st.tuples(
        st.sampled_from(["o1", "o2", "o3", ""]), IDS, TIMES, st.sampled_from(["0.1", "1,234.5678", "0", "NaN"]),
        st.sampled_from(["eur", "usd", ""]), st.sampled_from(["paid", "failed"]),
    ),
    "product_events": st.tuples(
        st.sampled_from(["p1", "p2", "p3"]), IDS, st.just("view"), TIMES, st.sampled_from(["web", ""]),
        st.just("s1"), st.sampled_from(["", "1", "2.5", "86400001"]),
    ),
}  # fmt: skip


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The files as they are in the end, and the builds that lead there: orders and events first or last, customers
    late, rewritten and removed."""

    def content(feed: str) -> str:
        return csv_text(COLUMNS[feed], draw(st.lists(ROWS[feed], max_size=5)))

    final = {
        f"{feed}/ingest_date=2026-01-0{day}/a.csv": content(feed) for feed in COLUMNS for day in (1, 2) if draw(st.booleans()) or feed == "customers"
    }  # fmt: skip
    order = draw(st.permutations(sorted(final)))
    cut = draw(st.integers(0, len(order)))
    rewritten = draw(st.lists(st.sampled_from(order), unique=True, max_size=3))
    first = {file: content(file.split("/")[0]) if file in rewritten else final[file] for file in order[:cut]}
    second = {file: final[file] for file in order[cut:]} | {file: final[file] for file in rewritten}
    return final, [first, second]


def _everything(home: DataHome) -> dict[str, object]:
    return {**home.everything(), **lake_tables(home), **reports(home)}


@pytest.mark.slow
@settings(
    max_examples=3,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(history=arrivals())
def test_any_order_of_arrival_ends_in_one_clean_build(home: DataHome, history) -> None:
    final, builds = history
    home.clear()
    for file, text in final.items():
        home.write(file, text, modified=1_000_000_000)
    home.build()
    expected = _everything(home)

    home.clear()
    for number, files in enumerate(builds):
        for file, text in files.items():
            home.write(file, text, modified=1_100_000_000 + number * 60)
        home.assert_definitions(home.build())
    found = _everything(home)
    assert {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)} == set()

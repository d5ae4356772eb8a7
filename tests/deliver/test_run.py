"""Which feeds may be delivered after a run."""

from typing import Any

import pytest

from sluice.deliver.run import Run

FEEDS = ("customers", "orders")


def node(
    name: str, kind: str = "model", feed: str | None = None, publish: dict | None = None
) -> dict[str, Any]:
    meta = {**({"feed": feed} if feed else {}), **({"publish": publish} if publish else {})}
    return {
        "unique_id": f"{kind}.{name}",
        "resource_type": kind,
        "name": name,
        "alias": name,
        "config": {"materialized": "seed" if kind == "seed" else "view" if feed else "table", "meta": meta},
        "columns": {},
        "depends_on": {"nodes": []},
    }


NODES = [
    node("customers", feed="customers", publish={"sluice": {"key": ["id"]}}),
    node("orders", feed="orders", publish={"sluice": {"key": ["id"]}}),
    node("daily_metrics", publish={"sluice": {}}),
    node("between", feed="orders"),
    node("reasons", "seed", publish={"operations": {}}),
    node("runs", publish={"operations": {"every_run": True}}),
    node("orders_test", "test", feed="orders"),
    node("test_of_both", "test"),
]


def run(touched: tuple[str, ...] = (), without: tuple[str, ...] = (), **statuses: str) -> Run:
    """A run in which all went well, but for what is given."""
    depends_on = {
        "test_of_both": ["model.customers", "model.between"],
        "test_of_all": ["model.daily_metrics"],
    }
    nodes = [*NODES, node("test_of_all", "test")] if "test_of_all" in statuses else NODES
    results = [
        {
            "unique_id": given["unique_id"],
            "kind": given["resource_type"],
            "name": given["name"],
            "status": statuses.get(given["name"], "pass" if given["resource_type"] == "test" else "success"),
            "meta": given["config"]["meta"],
            "depends_on": depends_on.get(given["name"], []),
        }
        for given in nodes
        if given["name"] not in without
    ]
    return Run.from_dbt(
        {
            "results": results,
            "nodes": {given["unique_id"]: given for given in nodes},
            "feeds": FEEDS,
            "touched_feeds": touched,
            "publish_days": None,
            "build": {},
            "instants": {},
            "future_begins": None,
            "entities": {},
            "personal": {},
        }
    )


@pytest.mark.parametrize(
    ("statuses", "released"),
    [
        ({}, ["customers", "orders"]),
        ({"orders_test": "warn"}, ["customers", "orders"]),
        ({"orders_test": "fail"}, ["customers"]),
        ({"orders": "error"}, ["customers"]),
        ({"between": "error"}, ["customers", "orders"]),
        ({"test_of_both": "fail"}, []),
        ({"test_of_all": "error"}, []),
        ({"daily_metrics": "skipped"}, []),
        ({"reasons": "error"}, []),
    ],
)
def test_a_failure_holds_back_its_feed(statuses: dict[str, str], released: list[str]) -> None:
    found = run(**statuses)
    assert found.released == found.delivered_feeds == released


def test_a_model_that_was_left_out_holds_back_what_belongs_to_it() -> None:
    found = run(without=("orders",))
    assert found.released == ["customers", "orders"]
    assert found.delivered_feeds == ["customers"]
    assert run(without=("daily_metrics",)).delivered_feeds == []
    assert run(without=("runs", "reasons")).delivered_feeds == ["customers", "orders"]


def test_a_run_about_some_feeds_releases_no_other_and_leaves_views_standing() -> None:
    found = run(touched=("orders",), without=("orders", "customers"))
    assert found.released == found.delivered_feeds == ["orders"]


def test_tests_are_counted_under_their_feed() -> None:
    counted = run(orders_test="warn", test_of_both="fail").tests_per_feed()
    assert counted == {
        "every feed": {"run": 1, "failed": 1},
        "customers": {"run": 0, "failed": 0},
        "orders": {"run": 1, "failed": 1},
    }

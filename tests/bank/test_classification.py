"""Classification in the graph, with the real service: whatever it does, builds succeed, every clean
transaction is published, and a category is always the one the service gave to that id."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from tests.bank.bank_kit import deliver, predict_service, published_tables, transaction
from tests.pipeline.harness import DataHome

from sluice.categories import CATEGORIES

pytestmark = pytest.mark.slow  # many builds


def rows(home: DataHome, sql: str, database: str = "sluice") -> list[tuple]:
    with closing(sqlite3.connect(home.root / "published" / f"{database}.db")) as published:
        return published.execute(sql).fetchall()


def statuses(home: DataHome) -> dict[str, int]:
    return dict(rows(home, "select category_status, count(*) from transactions group by 1"))


def categories(home: DataHome) -> dict[str, str | None]:
    return dict(rows(home, "select id, category from transactions"))


def true_categories(ids: list[str]) -> dict[str, str]:
    """What the model says, from an interpreter with its hash seed."""
    code = "import json, sys; print(json.dumps([hash(i) for i in json.load(sys.stdin)]))"
    said = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(ids), env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {
        i: CATEGORIES[value % len(CATEGORIES)] for i, value in zip(ids, json.loads(said.stdout), strict=True)
    }


def assert_all_true(home: DataHome) -> None:
    """Every published category is the one the model gives to that id."""
    given = {i: category for i, category in categories(home).items() if category is not None}
    assert given == true_categories(list(given))


def asked_at(home: DataHome) -> set[object]:
    return {when for (when,) in home.query("select distinct asked_at from state.transaction_categories")}


def test_without_a_service_all_stay_pending_and_the_first_build_with_one_fills_in(home: DataHome) -> None:
    deliver(home, "a.csv", [transaction(n) for n in range(700)])
    home.build()
    assert statuses(home) == {"pending": 700}
    assert rows(home, "select distinct category from spend_per_category") == [("unclassified",)]
    with predict_service():
        home.build()
    assert statuses(home) == {"classified": 700}
    assert_all_true(home)
    assert rows(home, "select distinct model_version from transactions") == [("hash-1",)]
    assert "unclassified" not in {c for (c,) in rows(home, "select category from spend_per_category")}

    # Nothing new: nothing is asked, so a service that dies at the first question lives on. A full refresh
    # does not ask either, and everything is published as before.
    before, published = asked_at(home), published_tables(home)
    with predict_service("--die-after", "0") as url:
        home.build()
        home.build("--full-refresh")
        assert is_alive(url)
    assert asked_at(home) == before
    assert published_tables(home) == published

    # A transaction with other content is another question, though its id is the same; others are not asked.
    deliver(home, "b.csv", [transaction(1, timestamp="2026-03-01", merchant="elsewhere"), transaction(900)])
    home.build()
    assert statuses(home) == {"classified": 699, "pending": 2}
    assert rows(home, "select category, category_status, merchant from transactions where id = 't1'") == [
        (None, "pending", "elsewhere")
    ]
    with predict_service():
        home.build()
    assert statuses(home) == {"classified": 701}
    assert_all_true(home)
    when = dict(home.query("select asked_at, count(*) from state.transaction_categories group by 1"))
    assert sorted(when.values()) == [2, 699]
    assert no_leftovers(home)


def test_a_new_model_version_is_asked_by_choice_and_old_answers_stay_until_then(home: DataHome) -> None:
    deliver(home, "a.csv", [transaction(n) for n in range(600)])
    with predict_service():
        home.build()
    before = asked_at(home)
    with predict_service("--model-version", "two"):
        home.build()
        assert asked_at(home) == before
    with predict_service("--model-version", "two", "--fail", "1"):
        home.build("--vars", "{reclassify: true, classification: {attempts: 1}}")
    assert statuses(home) == {"classified": 600}
    assert rows(home, "select distinct model_version from transactions") == [("hash-1",)]
    with predict_service("--model-version", "two"):
        home.build("--vars", "{reclassify: true}")
        assert rows(home, "select model_version, count(*) from transactions group by 1") == [("two", 600)]
        before = asked_at(home)
        home.build("--vars", "{reclassify: true}")
        assert asked_at(home) == before
    assert_all_true(home)


def test_what_fails_again_and_again_becomes_a_dead_letter_and_can_be_put_back(home: DataHome) -> None:
    deliver(home, "a.csv", [transaction(n) for n in range(300)])
    twice = ("--vars", "{max_failed_builds: 2, classification: {attempts: 2, backoff: 0}}")
    with predict_service("--bad-id", "t7"):
        home.build(*twice)
        bad = len([n for n in range(300) if str(n).startswith("7")])
        assert statuses(home) == {"classified": 300 - bad, "failed": bad}
        assert rows(home, "select * from dead_letters", "operations") == []
        home.build(*twice)
        assert statuses(home) == {"classified": 300 - bad, "dead_letter": bad}
        letters = rows(home, "select id, attempts, last_error from dead_letters", "operations")
        assert {i for i, *_ in letters} == {f"t{n}" for n in range(300) if str(n).startswith("7")}
        assert all(attempts == 2 and "HTTP 500" in error for _, attempts, error in letters)
        before = asked_at(home)
        home.build(*twice)
        assert asked_at(home) == before
    with predict_service():
        home.build()
        assert statuses(home)["dead_letter"] == bad
        retry(home, "--args", "{ids: [t7, nobody]}")
        home.build()
        assert statuses(home)["dead_letter"] == bad - 1
        retry(home)
        home.build()
    assert statuses(home) == {"classified": 300}
    assert rows(home, "select * from dead_letters", "operations") == []
    assert_all_true(home)


@pytest.mark.parametrize(
    "switches",
    [
        ("--wrong-ids", "0.5", "--unknown-categories", "0.2", "--shorter", "0.2"),
        ("--garbage", "0.3", "--fail", "0.3"),
        ("--die-after", "2"),
    ],
    ids=["liar", "flaky", "dies half way"],
)
def test_a_bad_service_costs_time_and_nothing_else(home: DataHome, switches: tuple[str, ...]) -> None:
    deliver(home, "a.csv", [transaction(n) for n in range(2_000)])
    small = ("--vars", "{classification: {batch_size: 100, backoff: 0.01, breaker_waits: [0.05, 0.05]}}")
    with predict_service(*switches):
        home.build(*small)
    assert sum(statuses(home).values()) == 2_000
    assert rows(
        home, "select count(*) from transactions where (category is null) = (category_status = 'classified')"
    ) == [(0,)]
    assert_all_true(home)
    if switches[0] == "--die-after":
        assert statuses(home).get("classified", 0) <= 200 and "pending" not in statuses(home)
    with predict_service():
        home.build()
    assert statuses(home) == {"classified": 2_000}
    assert_all_true(home)


def test_dead_letters_of_an_outage_come_back_with_the_service(
    home: DataHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(home, "a.csv", [transaction(n) for n in range(1_200)])
    settings = (
        "{classification: {batch_size: 100, breaker_waits: [0.05], backoff: 0.01}, max_failed_builds: 2}"
    )
    with predict_service("--bad-id", "t7"):
        home.build("--vars", settings)
    bad = statuses(home)["failed"]
    deliver(home, "b.csv", [transaction(n) for n in range(2_000, 2_800)])
    monkeypatch.setenv("SLUICE_PREDICT_URL", f"http://127.0.0.1:{free_port()}")
    home.build("--vars", settings)
    assert statuses(home) == {"classified": 1_200 - bad, "dead_letter": bad, "failed": 800}
    home.build("--vars", settings)
    assert statuses(home) == {"classified": 1_200 - bad, "dead_letter": bad + 800}
    errors = rows(home, "select distinct last_error from dead_letters where id like 't2%'", "operations")
    assert errors and all("ConnectError" in error or "unavailable" in error for (error,) in errors)
    monkeypatch.setenv("SLUICE_PREDICT_URL", "not an address")
    home.build("--vars", settings)
    assert statuses(home)["dead_letter"] == bad + 800

    # With nothing to ask for, nobody notices that the service is back; those that failed by themselves stay.
    with predict_service("--bad-id", "t7"):
        home.build("--vars", settings)
        assert statuses(home)["dead_letter"] == bad + 800
        deliver(home, "c.csv", [transaction(3_000)])
        home.build("--vars", settings)
    assert statuses(home) == {"classified": 2_001 - bad, "dead_letter": bad}
    assert_all_true(home)


def test_answers_of_a_killed_build_count_once_and_for_what_was_asked(home: DataHome) -> None:
    deliver(home, "a.csv", [transaction(n) for n in range(300)])
    with predict_service("--bad-id", "t7"):
        home.build("--vars", "{max_failed_builds: 9, classification: {attempts: 1}}")
    bad = statuses(home)["failed"]

    # What such a build leaves: its questions, and the answers that came in time. t1001 changes after that.
    folder = home.root / "classify"
    deliver(home, "b.csv", [transaction(n) for n in range(1_000, 1_100)])
    home.build()
    write_answers(home, [f"t{n}" for n in range(1_000, 1_050)], "classified", "travel")
    copy = home.root.parent / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    deliver(home, "c.csv", [transaction(1_001, description="other", timestamp="2026-03-01")])
    home.build()
    assert statuses(home) == {"classified": 300 - bad + 49, "failed": bad, "pending": 51}
    assert categories(home)["t1001"] is None and categories(home)["t1000"] == "travel"
    assert no_leftovers(home)

    # Killed between taking in and removing: nothing is counted twice.
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    published = published_tables(home)
    home.build()
    assert published_tables(home) == published
    assert no_leftovers(home)


def write_answers(home: DataHome, ids: list[str], status: str, category: str) -> None:
    folder = home.root / "classify"
    listed = ", ".join(f"'{i}'" for i in ids)
    home.query(
        "copy (select id, content_hash, timestamp '2026-05-01' as asked_at from state.transaction_categories"
        f" where id in ({listed})) to '{folder}/asked.parquet' (format parquet)"
    )
    home.query(
        f"copy (select id, '{status}' as status, '{category}' as category, 'm' as model_version,"
        " null::varchar as error, 1::integer as attempts from state.transaction_categories"
        f" where id in ({listed})) to '{folder}/answers-000001.parquet' (format parquet)"
    )


def retry(home: DataHome, *arguments: str) -> None:
    home.dbt("run-operation", "retry_dead_letters", *arguments)


def no_leftovers(home: DataHome) -> bool:
    return not list((home.root / "classify").glob("*"))


def is_alive(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rsplit(":", 1)[1]))) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

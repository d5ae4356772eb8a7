"""Files that are rewritten, disappear, are read again or were not readable: what stands in their place, one promise each."""

from typing import Any

import duckdb
import pytest
from tests.pipeline.harness import DataHome

from sluice import dbt_plugin
from sluice.landing import sql_functions

pytestmark = pytest.mark.slow  # many builds

DAY = "service_events/ingest_date=2026-01-01"
HEADER = "event_id,service,event_type,timestamp,latency_ms,status_code,user_id"
GOOD = "e1,cart,request,2026-01-01T10:00:00Z,12,200,u1"


def test_a_rewritten_file_replaces_its_version_and_a_broken_one_does_not(home: DataHome) -> None:
    home.write(f"{DAY}/a.csv", f"{HEADER}\n{GOOD}\n{GOOD.replace('e1', 'e2')}\n", modified=1e9)
    home.build()
    home.write(f"{DAY}/a.csv", f"{HEADER}\n{GOOD.replace('cart', 'auth')}\nbad,,,,,,\n", modified=1.1e9)
    home.build()
    assert home.query("select event_id, service from service_events") == [("e1", "auth")]
    assert home.query("select count(*) from quarantine") == [(1,)]
    assert [row[:2] for row in home.published()["service_metrics_per_minute"]] == [
        ("auth", "2026-01-01T10:00:00Z")
    ]
    home.write(f"{DAY}/a.csv", "no,known,names\n", modified=1.2e9)
    home.build()
    assert home.query("select event_id, service from service_events") == [("e1", "auth")]
    assert sorted(home.query("select status from file_loads")) == [("failed",), ("loaded",), ("superseded",)]


def test_what_came_and_went_between_two_publications_stays_as_it_was(home: DataHome) -> None:
    """`dbt run` publishes nothing, so the next build takes in the changes of two batches, which cancel out."""
    first = f"{HEADER}\n{GOOD}\n{GOOD.replace('e1', 'e2')}\n"
    home.write(f"{DAY}/a.csv", first, modified=1e9)
    home.build()
    before = home.everything()
    changed = f"{HEADER}\n{GOOD.replace('cart', 'auth')}\n{GOOD.replace('e1', 'e3')}\n"
    home.write(f"{DAY}/a.csv", changed, modified=1.1e9)
    home.dbt("run")
    assert home.everything() == before
    home.write(f"{DAY}/a.csv", first, modified=1.2e9)
    home.build()
    assert home.everything() == before
    home.write(f"{DAY}/a.csv", changed, modified=1.3e9)
    home.dbt("run")
    home.write(f"{DAY}/a.csv", changed.replace("auth", "shop"), modified=1.4e9)
    home.build()
    assert [row[:2] for row in home.published()["service_events"]] == [("e1", "shop"), ("e3", "cart")]


def test_a_file_that_disappears_keeps_its_rows_and_a_full_refresh_refuses_to_forget_it(
    home: DataHome,
) -> None:
    path = home.write(f"{DAY}/a.csv", f"{HEADER}\n{GOOD}\n")
    home.build()
    path.unlink()
    home.build()
    assert home.query("select status, clean_count from file_loads") == [("archived", 1)]
    refused = home.build("--full-refresh", expect_success=False)
    assert not refused.success
    assert home.query("select count(*) from service_events") == [(1,)]
    home.build("--full-refresh", "--vars", "{forget_missing: true}")
    assert home.query("select count(*) from service_events") == [(0,)]


def test_reprocessing_reads_the_named_dates_and_no_others(home: DataHome) -> None:
    for day in (1, 2, 3):
        home.write(
            f"service_events/ingest_date=2026-01-0{day}/a.csv", f"{HEADER}\n{GOOD.replace('e1', f'e{day}')}\n"
        )
    home.build()
    before = home.everything()
    home.write("service_events/ingest_date=2026-01-04/late.csv", f"{HEADER}\n{GOOD.replace('e1', 'e9')}\n")
    for end, files_loaded in ((", end_date: 2026-01-03", 2), (", end_date: 2026-01-03", 2), ("", 1)):
        home.build("--vars", f"{{start_date: 2026-01-02{end}}}")
        runs = "select files_loaded from state.runs order by started_at desc limit 1"
        assert home.query(runs) == [(files_loaded,)]
        assert home.everything() == before
    assert not home.build("--vars", "{start_date: yesterday}", expect_success=False).success
    before = home.everything()
    refused = home.build("--full-refresh", "--vars", "{start_date: 2026-01-02}", expect_success=False)
    assert not refused.success, "what it does not read it would lose"
    assert home.everything() == before


def test_rules_that_change_are_applied_to_what_was_loaded(home: DataHome) -> None:
    home.write(f"{DAY}/a.csv", f"{HEADER}\n{GOOD.replace('2026-01-01T10:00:00Z', '03/04/2026')}\n")
    home.build()
    assert home.query("select month(event_at) from service_events") == [(4,)]
    home.build("--vars", "{slash_date_order: mdy}")
    assert home.query("select month(event_at) from service_events") == [(3,)]
    assert home.query("select count(*) from file_loads") == [(1,)]


@pytest.mark.usefixtures("respects_permissions")
def test_an_unreadable_file_is_tried_again_at_every_build(home: DataHome) -> None:
    path = home.write(f"{DAY}/a.csv", f"{HEADER}\n{GOOD}\n")
    path.chmod(0)
    home.build()
    assert home.query("select status from file_loads") == [("failed",)]
    path.chmod(0o600)
    home.build()
    assert home.query("select count(*) from service_events") == [(1,)]


def test_other_content_under_the_same_size_and_time_is_seen(home: DataHome) -> None:
    """Also when the file was gone for a build in between."""
    home.write(f"{DAY}/a.csv", f"{HEADER}\n{GOOD}\n", modified=1e9)
    home.build()
    path = home.write(f"{DAY}/a.csv", f"{HEADER}\n{GOOD.replace('e1', 'e2')}\n", modified=1e9)
    home.build()
    assert home.query("select event_id from service_events") == [("e2",)]
    path.unlink()
    home.build()
    home.write(f"{DAY}/a.csv", f"{HEADER}\n{GOOD.replace('e1', 'e3')}\n", modified=1e9)
    home.build()
    assert home.query("select event_id from service_events") == [("e3",)]
    assert sorted(home.query("select status from file_loads")) == [("loaded",)]


def test_the_same_content_is_no_new_version(home: DataHome) -> None:
    """A file that is touched, copied over itself, or goes and comes back adds no line to the ledger."""
    content = f"{HEADER}\n{GOOD}\n"
    path = home.write(f"{DAY}/a.csv", content, modified=1e9)
    home.build()
    before = home.everything()
    home.write(f"{DAY}/a.csv", content, modified=1.1e9)
    home.build()
    path.unlink()
    home.build()
    home.write(f"{DAY}/a.csv", content, modified=1.2e9)
    home.build()
    assert home.everything() == before
    assert home.query("select count(*), max(modified_ns) from state.loads") == [
        (1, 1_200_000_000_000_000_000)
    ]


@pytest.mark.parametrize("change", ["removed", "shortened", "emptied"])
def test_a_file_that_changes_between_looking_and_reading_costs_itself(
    home: DataHome, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is failed by name, everything else is read and published, and the next build reads it."""
    home.write(f"{DAY}/good.csv", f"{HEADER}\n{GOOD}\n")
    path = home.write(
        f"{DAY}/moving.csv", f"{HEADER}\n{GOOD.replace('e1', 'e2')}\n{GOOD.replace('e1', 'e3')}\n"
    )
    home.write("customers/ingest_date=2026-01-01/a.csv", "customer_id\nc1\n")
    whole = path.read_bytes()
    inspect = sql_functions.inspect_files

    def inspect_and_change(paths, *others):
        found = inspect(paths, *others)
        if any(name.endswith("moving.csv") for name in paths):
            if change == "removed":
                path.unlink()
            else:
                path.write_bytes(whole[:-10] if change == "shortened" else b"")
        return found

    monkeypatch.setattr(sql_functions, "inspect_files", inspect_and_change)
    home.build()
    monkeypatch.undo()
    assert home.query("select event_id from service_events") == [("e1",)]
    assert [row[0] for row in home.published()["customers"]] == ["c1"]
    failed = home.query("select file, public_error from file_loads where status = 'failed'")
    assert [file for file, _ in failed] == [f"{DAY}/moving.csv"]
    path.write_bytes(whole)
    home.build()
    assert home.query("select event_id from service_events order by 1") == [("e1",), ("e2",), ("e3",)]


def test_a_shrunken_file_is_an_alert(home: DataHome) -> None:
    lines = [GOOD.replace("e1", f"e{number}") for number in range(10)]
    home.write(f"{DAY}/a.csv", "\n".join([HEADER, *lines, ""]))
    home.build()
    home.write(f"{DAY}/a.csv", "\n".join([HEADER, *lines[:5], ""]))
    home.build()
    assert home.query("select count(*) from alerts where alert = 'file_shrank'") == [(0,)]
    home.write(f"{DAY}/a.csv", "\n".join([HEADER, *lines[:2], ""]))
    home.build()
    assert home.query("select observed, file from alerts where alert = 'file_shrank'") == [
        (0.6, f"{DAY}/a.csv")
    ]


def test_a_feed_may_fail_when_too_much_of_it_is_rejected(home: DataHome) -> None:
    """Var fail_above_quarantine_rate: nothing of the feed is loaded, and the other feeds are published."""
    home.write(
        f"{DAY}/a.csv", f"{HEADER}\n{GOOD}\n,cart,request,2026-01-01,,,\n,cart,request,2026-01-01,,,\n"
    )
    home.write("customers/ingest_date=2026-01-01/a.csv", "customer_id\nc1\n")
    limit = ("--vars", "{fail_above_quarantine_rate: 0.5}")
    result = home.build(*limit, expect_success=False)
    messages = [run.message for run in result.result.results if run.status == "error"]
    assert any("2 of 3 new records of service_events were rejected" in message for message in messages)
    assert home.query("select count(*) from state.loads where feed = 'service_events'") == [(0,)]
    home.build()
    assert home.query("select event_id from service_events") == [("e1",)]


@pytest.mark.parametrize("guilty", [{"f11.csv"}, {"f00.csv", "f30.csv"}])
def test_files_that_take_all_memory_are_found_by_halves(
    home: DataHome, monkeypatch: pytest.MonkeyPatch, guilty: set[str]
) -> None:
    """The error names no file. Of 32 files some break their reader: the others are loaded, after few attempts."""
    attempts = []
    run = dbt_plugin._try_statements

    def short_of_memory(cursor: duckdb.DuckDBPyConnection, asked: dict[str, Any]) -> None:
        attempts.append(asked)
        if any(name in asked["statements"] for name in guilty):
            asked = asked | {"statements": "select error('unused')"}
            run(cursor, asked)
            attempts[-1]["problem"] = asked["problem"] | {"kind": "OutOfMemoryException", "is_of_data": True}
        else:
            run(cursor, asked)

    monkeypatch.setattr(dbt_plugin, "_try_statements", short_of_memory)
    for number in range(32):
        home.write(f"{DAY}/f{number:02}.csv", f"{HEADER}\n{GOOD.replace('e1', f'e{number}')}\n")
    home.dbt("run", "-s", "stg_landing__service_events")
    loads = home.query("select file, error is not null from state.loads order by file")
    assert {file[-7:] for file, is_failed in loads if is_failed} == guilty and len(loads) == 32
    assert len(attempts) < 10 * (1 + len(guilty))

"""Files that are rewritten, disappear, are read again or were not readable: what stands in their place, one promise each."""

import pytest
from tests.pipeline.harness import DataHome

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

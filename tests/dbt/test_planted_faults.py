"""Every data test goes red and says why when what it guards against is in the warehouse; else it is green."""

import sqlite3
from contextlib import closing

import pytest
from planted import BROKEN_RULES, ENTITIES, FAULTS, MORE_FAULTS, OTHER_RULES
from small_home import SmallHome

pytestmark = pytest.mark.slow  # many builds

# Tests look at what changed since the feed last passed; when that is forgotten, at everything.
FORGET_AUDITS = "delete from state.audited"


def data_tests(home: SmallHome) -> dict[str, dict]:
    """Data test → the arguments it was given."""
    return {
        node.name: node.test_metadata.kwargs if getattr(node, "test_metadata", None) else {}
        for node in home.manifest.nodes.values()
        if node.resource_type == "test"
    }


def all_rules() -> set[tuple[str, str]]:
    """Every (test, rule) for which planted.py has a fault."""
    return {(test, rule) for test, (_, broken) in BROKEN_RULES.items() for rule in broken} | set(OTHER_RULES)


def test_all_are_green_without_a_fault(home: SmallHome) -> None:
    """Looking at the newest change, at a table made anew, and at everything."""
    home.plant()
    assert not any(home.failure_reasons().values())
    assert not any(home.failure_reasons(variables="{audit: full}").values())
    home.plant(FORGET_AUDITS)
    assert not any(home.failure_reasons().values())


def test_every_data_test_has_a_planted_fault(home: SmallHome) -> None:
    """Name a fault in planted.py for each new test; for row_is_valid, one for each rule."""
    tests = data_tests(home)
    assert set(FAULTS) | set(BROKEN_RULES) == set(tests)
    assert all_rules() == {
        (test, rule) for test, arguments in tests.items() for rule in arguments.get("rules", {})
    }


def test_every_broken_rule_is_named(home: SmallHome) -> None:
    """Each rule of each row_is_valid, broken in a row of its own, is the reason given."""
    statements = [FORGET_AUDITS, *OTHER_RULES.values()]
    for table, broken in BROKEN_RULES.values():
        clean = "where _reject_reasons is null and _key_hash not in (select _key_hash from {})"
        contested = table.replace("stg_landing__", "state.contested_")
        where = clean.format(contested) if table.startswith("stg_landing__") else ""
        for place, assignment in enumerate(broken.values()):
            statements.append(
                f"update {table} set {assignment} where rowid = (select rowid from {table} {where} "
                f"order by rowid desc limit 1 offset {place} % (select count(*) from {table} {where}))"
            )
    home.plant(*statements)
    reasons = home.failure_reasons(*BROKEN_RULES)
    named = {(test, rule) for test, texts in reasons.items() for text in texts for rule in text.split(", ")}
    assert all_rules() - named == set()


@pytest.mark.parametrize("kind", ["rows have this key", "records were read", "others"])
def test_planted_faults_are_found(home: SmallHome, kind: str) -> None:
    """Each fault lies in the records that came since the feed was last audited."""
    kinds = ("rows have this key", "records were read")
    chosen = {
        name: (sql, words)
        for name, (sql, words) in FAULTS.items()
        if next((known for known in kinds if known in words), "others") == kind
    }
    home.plant(*(sql for sql, _ in chosen.values()))
    reasons = home.failure_reasons(*chosen)
    for name, (_, words) in chosen.items():
        assert any(words in text for text in reasons[name]), f"{name}: {reasons[name] or 'passed'}"


@pytest.mark.parametrize(("test", "sql", "words"), MORE_FAULTS, ids=[fault[2] for fault in MORE_FAULTS])
def test_further_faults_are_found(home: SmallHome, test: str, sql: str, words: str) -> None:
    """What else a test guards against."""
    home.plant(sql)
    assert any(words in text for text in home.failure_reasons(test)[test])


def test_faults_in_old_records_are_found_by_a_full_audit(home: SmallHome) -> None:
    """A build looks at what came since the last audit; `audit: full` at everything."""
    staged, metrics = "stg_landing__service_events", "service_metrics_per_minute"
    faults = [
        f"insert into {staged} select * from {staged} where event_id = 'old-7'",
        f"update {staged} set latency_ms = -1 where event_id = 'old-8'",
        f"update {metrics} set p50_latency_ms = 1e9 where service = 's9' and minute < '2026-01-14'",
    ]
    tests = [
        "service_events_key_is_unique",
        "service_events_row_is_valid",
        "service_events_every_record_is_accounted_for",
        "service_metrics_per_minute_row_is_valid",
    ]
    home.plant(*faults)
    assert not any(home.failure_reasons(*tests).values())
    assert all(home.failure_reasons(*tests, variables="{audit: full}").values())


def test_rows_that_other_loads_moved_are_looked_at(home: SmallHome) -> None:
    """A row of an old load is new when the load with the better record went; without a load that came, rows that
    changed are those of the log."""
    staged, test = "stg_landing__service_events", "service_events_row_is_valid"
    broken = f"update {staged} set latency_ms = -1 where event_id = 'old-8'"
    logged = (
        f"insert into state.changed_service_events by name select event_id, _key_hash, 1 as sign, 2 as batch_id "
        f"from {staged} where event_id = 'old-8'"
    )
    home.plant(broken, logged)
    assert not home.failure_reasons(test)[test]
    home.plant(broken, logged, "insert into state.changed_loads values ('service_events', 2, 999, true)")
    assert home.failure_reasons(test)[test] == {"latency_ms_is_not_negative"}

    test, broken = (
        "orders_row_is_valid",
        "update state.changed_orders set amount = -1 where order_id = 'new-3'",
    )
    home.plant(broken)
    assert not home.failure_reasons(test)[test]
    home.plant(broken, "delete from state.changed_loads where feed = 'orders'")
    assert home.failure_reasons(test)[test] == {"amount_fits_status"}


def test_an_unknown_audit_is_refused(home: SmallHome) -> None:
    """A misspelt var does not quietly test less."""
    home.plant()
    arguments = ("--select", "orders_key_is_unique", "--vars", "{audit: ful}")
    result = home.dbt("test", *arguments, expect_success=False)
    assert not result.success
    messages = [run.message for run in result.result.results]
    assert "var audit is 'ful'; use 'full' or leave it out" in str(messages)


def test_a_failing_feed_is_held_back_alone(home: SmallHome) -> None:
    """Its tables stay as they were, others go on; its changes are looked at again until they pass."""

    def newest() -> dict[str, bool]:
        with closing(sqlite3.connect(home.root / "published" / "sluice.db")) as file:
            query = "select count(*) from {} where {} = 'new-7'"
            return {
                feed: file.execute(query.format(feed, key)).fetchone()[0] == 1
                for feed, key in ENTITIES.items()
                if feed != "tenant_events"
            }

    def audited() -> dict[str, int]:
        return dict(home.query("select feed, batch_id from state.audited"))

    home.plant("update stg_landing__orders set amount = -1 where order_id = 'new-3'")
    before = audited()
    result = home.dbt("build", expect_success=False)
    assert [run.node.name for run in result.result.results if run.status == "fail"] == ["orders_row_is_valid"]
    assert [run.node.name for run in result.result.results if run.status == "skipped"] == []
    assert newest() == {feed: feed != "orders" for feed in newest()}
    assert {feed for feed, batch in audited().items() if batch == before[feed]} == {"orders"}

    result = home.dbt("build", expect_success=False)
    assert [run.node.name for run in result.result.results if run.status == "fail"] == ["orders_row_is_valid"]

    home.plant()
    home.dbt("build")
    assert all(newest().values())

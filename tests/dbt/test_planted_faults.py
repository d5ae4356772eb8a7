"""Every data test goes red and says why when what it guards against is in the warehouse; else it is green."""

import sqlite3
from contextlib import closing

import pytest
from small_home import SmallHome

pytestmark = pytest.mark.slow  # many builds

ENTITIES = {
    "service_events": "event_id",
    "customers": "customer_id",
    "product_events": "event_id",
    "orders": "order_id",
    "tenant_events": "event_id",
    "transactions": "id",
}
METRIC_FAULTS = {
    "service_is_given": "service = null",
    "counts_are_nested": "error_count = status_count + 1",
    "latencies_are_ordered": "p50_latency_ms = p99_latency_ms + 1",
    "latencies_need_events": "latency_count = 0",
    "error_rate_is_a_share": "error_rate = 1.5",
}
MONTH_FAULT = "month = month + interval 1 day"
SPEND_FAULTS = {
    "counts_add_up": "credit_count = credit_count + 1",
    "sums_are_not_negative": "received = -1",
    "net_is_the_difference": "net_spent = net_spent + 0.01",
}

# Test → (table to change, rule → assignment). Each rule is broken in a row of its own where there are enough.
BROKEN_RULES: dict[str, tuple[str, dict[str, str]]] = {
    "service_events_row_is_valid": ("stg_landing__service_events", {
        "event_id_is_given": "event_id = null",
        "service_is_given": "service = 'WEB'",
        "event_type_is_given": "event_type = null",
        "event_at_is_in_range": "event_at = timestamp '1979-12-31'",
        "latency_ms_is_not_negative": "latency_ms = -1",
        "status_code_is_http": "status_code = 600",
    }),
    "customers_row_is_valid": ("stg_landing__customers", {
        "customer_id_is_given": "customer_id = null",
        "email_has_a_shape": "email = 'nobody'",
        "created_at_is_in_range": "created_at = timestamp '2100-01-01'",
    }),
    "product_events_row_is_valid": ("stg_landing__product_events", {
        "event_id_is_given": "event_id = null",
        "event_at_is_in_range": "event_at = null",
        "duration_ms_is_in_range": "duration_ms = 86400001",
    }),
    "orders_row_is_valid": ("stg_landing__orders", {
        "order_id_is_given": "order_id = null",
        "ordered_at_is_in_range": "ordered_at = null",
        "amount_fits_status": "amount = 0",
        "status_is_known": "status = 'shipped'",
        "currency_is_three_letters": "currency = 'eur'",
    }),
    "tenant_events_row_is_valid": ("stg_landing__tenant_events", {
        "tenant_id_is_a_name": "tenant_id = '../x'",
        "event_id_is_given": "event_id = null",
        "source_is_given": "source = null",
        "event_type_is_given": "event_type = 'Click'",
        "event_at_is_in_range": "event_at = null",
        "schema_version_is_positive": "schema_version = 0",
        "payload_is_an_object": "payload = '[1]'",
    }),
    "transactions_row_is_valid": ("stg_landing__transactions", {
        "id_is_given": "id = null",
        "transacted_at_is_in_range": "transacted_at = null",
        "amount_is_not_negative": "amount = -0.01",
        "side_is_known": "side = 'both'",
    }),
    **{
        f"service_metrics_per_{bucket}_row_is_valid": (f"service_metrics_per_{bucket}", {
            **METRIC_FAULTS, f"{bucket}_is_whole": f"{bucket} = {bucket} + interval 1 second",
        })
        for bucket in ("minute", "hour", "day")
    },
    "file_loads_row_is_valid": ("file_loads", {
        "file_is_given": "file = null",
        "status_is_known": "status = 'lost'",
        "failure_is_explained": "error = 'not a failure'",
        "counts_stand_with_status": "status = 'superseded'",
        "counts_add_up": "records_read = records_read + 1",
        "counts_are_not_negative": "repaired_count = -1",
    }),
    "pipeline_runs_row_is_valid": ("state.runs", {
        "status_is_known": "status = 'lost'",
        "end_follows_start": "finished_at = started_at - interval 1 second",
    }),
    "quarantine_summary_row_is_valid": ("quarantine_summary", {
        "key_is_given": "ingest_date = null",
        "reason_is_known": "reject_reason = 'no_such_reason'",
        "record_count_is_positive": "record_count = 0",
    }),
    "reject_reasons_row_is_valid": ("reject_reasons", {
        "name_is_snake_case": "reject_reason = 'Missing Id'",
        "meaning_is_given": "meaning = null",
        "example_is_given": "example = null",
    }),
    "daily_metrics_row_is_valid": ("daily_metrics", {
        "counts_add_up": "records_read = records_read + 1",
        "counts_are_not_negative": "repaired_count = -1",
        "rate_is_a_share": "quarantine_rate = 1.1",
        "durations_belong_to_product_events": "p50_duration_ms = 1, feed = 'orders'",
        "durations_are_ordered": "p50_duration_ms = 2, p95_duration_ms = 1",
    }),
    "daily_order_totals_row_is_valid": ("daily_order_totals", {
        "count_is_positive": "order_count = 0",
        "amount_is_not_negative": "amount = -1",
        "status_is_known": "status = 'shipped'",
    }),
    "alerts_row_is_valid": ("alerts", {
        "key_is_given": "feed = null",
        "alert_is_known": "alert = 'boredom'",
        "severity_is_known": "severity = 'dull'",
        "it_fires": "observed = threshold",
        "file_is_named": "file = 'x'",
    }),
    "service_anomalies_row_is_valid": ("service_anomalies", {
        "minute_is_whole": "minute = minute + interval 1 second",
        "metric_is_known": "metric = 'mood'",
        "score_is_large": "score = 1",
        "direction_follows_score": "direction = 'sideways'",
    }),
    "hourly_events_row_is_valid": ("int_events_counted", {
        "hour_is_one": "hour = 24",
        "count_is_positive": "event_count = 0",
    }),
    "spend_per_day_row_is_valid": ("spend_per_day", {
        "key_is_given": "day = null", "bucket_is_whole": "day = day + interval 1 hour", **SPEND_FAULTS,
    }),
    "spend_per_category_row_is_valid": ("spend_per_category", {
        "key_is_given": "category = null", "bucket_is_whole": MONTH_FAULT, **SPEND_FAULTS,
    }),
    "spend_per_merchant_row_is_valid": ("spend_per_merchant", {
        "key_is_given": "merchant = null", "bucket_is_whole": MONTH_FAULT, **SPEND_FAULTS,
    }),
    "unusual_amounts_row_is_valid": ("unusual_amounts", {
        "key_is_given": "merchant = null",
        "score_is_large": "score = 1",
        "direction_follows_score": "direction = 'sideways'",
        "merchant_is_judged": "transaction_count = 9",
    }),
}  # fmt: skip

# Rules that need another statement than an assignment to one row: rule → SQL.
OTHER_RULES: dict[tuple[str, str], str] = {
    **{(f"{feed}_row_is_valid", "ingest_date_is_given"): f"""
        update state.loads set ingest_date = null where feed = '{feed}' and file like '%/new.csv'
       """ for feed in ENTITIES},
    ("product_events_row_is_valid", "customer_is_known"): """
        update int_product_events_contested set customer_id = 'nobody' where event_id = 'new-twice-0'""",
    ("orders_row_is_valid", "customer_is_known"): """
        update int_orders_contested set customer_id = 'nobody' where order_id = 'new-twice-0'""",
}  # fmt: skip

# Test → (SQL that plants the fault, words of the failure reason).
FAULTS: dict[str, tuple[str, str]] = {
    **{f"{feed}_key_is_unique": (f"""
        insert into stg_landing__{feed} select * from stg_landing__{feed} where {key} = 'new-7'
       """, "2 rows have this key") for feed, key in ENTITIES.items()},
    **{f"{table}_key_is_unique": (
        f"insert into {table} select * from {table} where rowid = (select max(rowid) from {table})",
        "2 rows have this key",
       ) for table in (
           "service_metrics_per_minute", "service_metrics_per_hour", "service_metrics_per_day",
           "reject_reasons", "order_statuses", "daily_metrics", "spend_per_day", "spend_per_category",
           "spend_per_merchant", "unusual_amounts", "service_anomalies",
       )},
    "file_loads_current_file_is_unique": (
        "insert into file_loads select * from file_loads where status = 'loaded' limit 1",
        "2 rows have this key"),
    **{f"{feed}_every_record_is_accounted_for": (f"""
        delete from stg_landing__{feed} where {key} = 'new-7'
       """, "records were read, but") for feed, key in ENTITIES.items()},
    "service_metrics_buckets_add_up": (
        "update service_metrics_per_hour set request_count = request_count + 1 where service = 's7'",
        "the tables disagree: day 1, hour 2, minute 1"),
    "parse_timestamp_reads_its_truth_table": (
        "update timestamp_cases set expected = timestamp '2026-01-01' where raw = 'now'",
        "'now' (a word) is read as null"),
    "numbers_read_their_truth_table": (
        "update number_cases set expected_amount = 1 where raw = '1_000'",
        "parse_amount reads '1_000' as null"),
    "daily_counts_agree": (
        "update daily_order_totals set order_count = order_count + 1", "daily_order_totals counts"),
}  # fmt: skip

# More that one test guards against: (test, SQL, words of the failure reason).
MORE_FAULTS = [
    ("orders_every_record_is_accounted_for",
     """update file_loads set clean_count = clean_count - 1, duplicate_count = duplicate_count + 1
        where feed = 'orders'""",
     "file_loads says"),
    ("orders_every_record_is_accounted_for", "delete from file_loads where feed = 'orders'",
     "file_loads has no current line"),
    ("orders_every_record_is_accounted_for",
     "update stg_landing__orders set _reject_reasons = ['no_such_reason'] where _reject_reasons is not null",
     "the reason no_such_reason is not in seeds/reject_reasons.csv"),
    ("orders_every_record_is_accounted_for",
     "update stg_landing__orders set _reject_reasons = [] where _reject_reasons is not null",
     "gives no reason"),
    ("service_metrics_buckets_add_up", """
     update service_metrics_per_minute set status_count = 0, error_count = 0, error_rate = null
     where service = 's7'""", "the tables disagree"),
    ("service_metrics_buckets_add_up", """
     delete from service_metrics_per_minute where service = 's7';
     delete from service_metrics_per_hour where service = 's7';
     delete from service_metrics_per_day where service = 's7'""", "are clean"),
    ("service_events_key_is_unique",
     "update int_service_events_contested set _rank = 1 where event_id = 'new-twice-0'",
     "2 rows have this key"),
    ("numbers_read_their_truth_table", "update number_cases set expected_integer = 0 where raw = '1e3'",
     "parse_integer reads '1e3' as null"),
    ("numbers_read_their_truth_table", "update number_cases set expected_number = 0 where raw = '1e3'",
     "parse_number reads '1e3' as 1000.0"),
]  # fmt: skip

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
    """Every (test, rule) for which this file has a fault."""
    return {(test, rule) for test, (_, broken) in BROKEN_RULES.items() for rule in broken} | set(OTHER_RULES)


def test_all_are_green_without_a_fault(home: SmallHome) -> None:
    """Looking at the newest change, at a table made anew, and at everything."""
    home.plant()
    assert not any(home.failure_reasons().values())
    assert not any(home.failure_reasons(variables="{audit: full}").values())
    home.plant(FORGET_AUDITS)
    assert not any(home.failure_reasons().values())


def test_every_data_test_has_a_planted_fault(home: SmallHome) -> None:
    """Name a fault here for each new test; for row_is_valid, one for each rule."""
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
        contested = table.replace("stg_landing__", "int_") + "_contested"
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


@pytest.mark.parametrize("kind", ["key_is_unique", "accounted_for", "others"])
def test_planted_faults_are_found(home: SmallHome, kind: str) -> None:
    """Each fault lies in the records that came since the feed was last audited."""
    named = {name for name in FAULTS if kind in name}
    others = {name for name in FAULTS if "key_is_unique" not in name and "accounted_for" not in name}
    chosen = {name: FAULTS[name] for name in (others if kind == "others" else named)}
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

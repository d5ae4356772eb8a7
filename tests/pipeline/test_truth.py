"""The whole pipeline on generated data, delivered day by day in the wrong order, against the ground truth."""

import shutil
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from tests.pipeline.harness import DataHome

from sluice.generate import generate

FEEDS = {
    "service_events": "event_id, service, event_type, event_at, event_at_raw, latency_ms, status_code, user_id, ingest_date",
    "customers": "customer_id, email, country, created_at",
    "product_events": "event_id, customer_id, event_type, event_at, platform, session_id, duration_ms, ingest_date",
    "orders": "order_id, customer_id, ordered_at, amount, currency, status, ingest_date",
    "tenant_events": "event_id, tenant_id, source, event_type, event_at, schema_version, payload",
    "transactions": "id, description, amount, transacted_at, merchant, operation_type, side",
}
METRICS = "service, minute, request_count, latency_count, p50_latency_ms, p95_latency_ms, p99_latency_ms, status_count, error_count"


@pytest.fixture(scope="module")
def built(shared_home: DataHome, tmp_path_factory: pytest.TempPathFactory) -> DataHome:
    """Two days of every feed, the second delivered and built before the first."""
    delivery = tmp_path_factory.mktemp("delivery")
    generate(rows=3000, days=2, seed=7, home=delivery)
    shared_home.clear()
    files = sorted(path for path in (delivery / "landing").rglob("*") if path.is_file())
    for late in (False, True):
        for path in files:
            if ("ingest_date=2026-01-01" in str(path)) is late:
                target = shared_home.landing / path.relative_to(delivery / "landing")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
        shared_home.build()
    shutil.move(delivery / "ground_truth", shared_home.root / "ground_truth")
    return shared_home


@pytest.mark.parametrize("feed", FEEDS)
def test_entities_are_the_true_ones(built: DataHome, feed: str) -> None:
    columns = FEEDS[feed]
    assert (
        _differences(
            built,
            f"select {columns} from {feed}",
            f"select {columns} from {_truth(built, f'{feed}_entities')}",
        )
        == []
    )


def test_payload_fields_are_the_true_ones(built: DataHome) -> None:
    """Of both schema versions; personal ones where the event does not say that they are personal."""
    columns = "tenant_id, event_id, product_id, product_name, amount, currency, fraud_score, churn_score, pii_contains"
    personal = "user_id, user_email, user_first_name, user_last_name"
    truth = _truth(built, "tenant_events_entities")
    assert (
        _differences(built, f"select {columns} from tenant_payloads", f"select {columns} from {truth}") == []
    )
    open_ones = f"select event_id, tenant_id, {personal} from {{}} where pii_contains is not true"
    assert _differences(built, open_ones.format("tenant_payloads"), open_ones.format(truth)) == []
    names = f"(select unnest([{personal}]) as name from {truth} where pii_contains)"
    [(leaks,)] = _query(
        built,
        f"""select count(*) from tenant_payloads, (select distinct name from {names} where length(name) > 4)
        where pii_contains and contains(concat_ws(' ', payload, {personal}), name)""",
    )
    assert leaks == 0


def test_tenant_metrics_are_the_true_ones(built: DataHome) -> None:
    truth = f"""
        select tenant_id, source, event_type, date_trunc('minute', event_at) as minute, count(*), count(amount),
            coalesce(sum(amount), 0)
        from {_truth(built, "tenant_events_entities")} group by all"""
    columns = "tenant_id, source, event_type, minute, event_count, amount_count, amount_sum"
    assert _differences(built, f"select {columns} from tenant_metrics_per_minute", truth) == []


def test_minutes_are_the_true_ones(built: DataHome) -> None:
    truth = f"select {METRICS} from {_truth(built, 'service_metrics_per_minute')}"
    assert _differences(built, f"select {METRICS} from service_metrics_per_minute", truth) == []


@pytest.mark.parametrize("feed", FEEDS)
def test_every_record_of_every_file_went_where_it_belongs(built: DataHome, feed: str) -> None:
    counted = f"select file, records_read, clean_count, duplicate_count, quarantined_count from file_loads where feed = '{feed}'"
    truth = f"""
        select file, count(*), count(*) filter (where verdict = 'clean'), count(*) filter (where verdict = 'duplicate'),
            count(*) filter (where verdict = 'quarantined')
        from {_truth(built, f"{feed}_records")} group by file"""
    assert _differences(built, counted, truth) == []


@pytest.mark.parametrize("feed", FEEDS)
def test_rejected_records_have_all_their_reasons(built: DataHome, feed: str) -> None:
    counted = f"select file, reject_reasons, count(*) from quarantine where feed = '{feed}' group by all"
    truth = f"""
        select file, list_sort(reasons), count(*)
        from {_truth(built, f"{feed}_records")} where verdict = 'quarantined' group by all"""
    assert _differences(built, counted, truth) == []


def _truth(home: DataHome, name: str) -> str:
    return f"read_parquet('{Path(home.root) / 'ground_truth' / name}.parquet')"


def _differences(home: DataHome, found: str, expected: str) -> list[tuple]:
    """Up to five rows that only one of two queries returns."""
    return _query(
        home,
        f"(select 'surplus', * from ({found} except all {expected}) limit 5) "
        f"union all (select 'missing', * from ({expected} except all {found}) limit 5)",
    )


def _query(home: DataHome, sql: str) -> list[tuple]:
    """Rows of the warehouse, where tenant_payloads hashes with a key of its own."""
    with closing(duckdb.connect(str(home.root / "warehouse.duckdb"), read_only=True)) as warehouse:
        warehouse.execute("set variable pii_key = 'any key'")
        return warehouse.execute(sql).fetchall()

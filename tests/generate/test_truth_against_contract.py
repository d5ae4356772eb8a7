"""The truth is made, not computed from the files; here the files are read by other means and must say the same."""

from collections import defaultdict

import duckdb
import pytest
from conftest import Delivery
from judge import Judge
from landing import Record, best_of, judged_landing

from sluice.generate.feeds import FEEDS


@pytest.fixture(scope="module")
def known_customers(delivery: Delivery) -> set[str]:
    accepted = judged_landing(delivery.landing, "customers", Judge(set()))
    return {record.judged.values["customer_id"] for record in accepted if not record.judged.reasons}


def key_of(feed: str, record: Record) -> tuple[str, ...]:
    values = record.judged.values
    return (values["tenant_id"], values["event_id"]) if feed == "tenant_events" else (values[FEEDS[feed].key],)


@pytest.mark.parametrize("feed", list(FEEDS))
def test_an_independent_reading_agrees(delivery: Delivery, known_customers: set[str], feed: str) -> None:
    records = judged_landing(delivery.landing, feed, Judge(known_customers))
    told = duckdb.sql(
        f"select file, record_number, verdict, reasons, repaired from {delivery.truth(f'{feed}_records')} order by file, record_number"
    ).fetchall()
    assert [(r.file, r.number) for r in records] == [row[:2] for row in sorted(told, key=lambda row: (row[0], row[1]))]

    wrong = [
        (record.file, record.number, record.texts, record.judged.reasons, record.judged.repaired, row)
        for record, row in zip(records, told, strict=True)
        if record.judged.reasons != row[3] or (not row[3] and record.judged.repaired != row[4])
    ]
    assert not wrong, wrong[:5]

    keys: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in records:
        if not record.judged.reasons:
            keys[key_of(feed, record)].append(record)
    best = {key: best_of(feed, rivals) for key, rivals in keys.items()}
    winners = {(record.file, record.number) for record in best.values()}
    verdicts = {(row[0], row[1]): row[2] for row in told if row[2] != "quarantined"}
    disputed = {place for place, verdict in verdicts.items() if (verdict == "clean") != (place in winners)}
    by_place = {(record.file, record.number): record for record in records}
    twins = [place for place in disputed if by_place[place].texts != best[key_of(feed, by_place[place])].texts]
    assert not twins, [by_place[place] for place in sorted(twins)[:4]]

    columns = [column for column in FEEDS[feed].entity if not column.startswith(("user_", "product_", "fraud_", "churn_", "pii_"))
               or feed != "tenant_events"]  # fmt: skip
    columns = [c for c in columns if c != "ingest_date" and not (feed == "tenant_events" and c in ("amount", "currency"))]
    entities = duckdb.sql(f"select {', '.join(columns)}, ingest_date from {delivery.truth(f'{feed}_entities')}").fetchall()
    expected = {
        tuple(record.judged.values[column] for column in columns) + (record.file.split("ingest_date=")[1][:10],)
        for record in best.values()
    }  # fmt: skip
    made = {(*row[:-1], str(row[-1])) for row in entities}
    assert len(entities) == len(made) == len(expected)
    assert made == expected, (sorted(made - expected, key=str)[:3], sorted(expected - made, key=str)[:3])

"""Holds the ground truth of a home against an independent reading of its landing files."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from sluice.generate import Summary
from sluice.generate.feeds import FEEDS

from .judge import Judge
from .landing import Record, best_of, judged_landing

FROM_PAYLOAD = {
    "user_id", "user_email", "user_first_name", "user_last_name", "product_id", "product_name",
    "amount", "currency", "fraud_score", "churn_score", "pii_contains",
}  # fmt: skip
"""Columns of the best tenant events that stand inside the payload."""

ROWS, DAYS, SEED = 20_000, 3, 7
"""What the delivery of these tests is made of."""


@dataclass(frozen=True)
class Delivery:
    """A generated home, and what its generator said of it."""

    home: Path
    summary: Summary

    @property
    def landing(self) -> Path:
        return self.home / "landing"


Key = tuple[str, ...]


def table(home: Path, name: str) -> str:
    """A ground truth file as a table for SQL."""
    return f"read_parquet('{home / 'ground_truth' / name}.parquet')"


def known_customers(home: Path) -> set[str]:
    records = judged_landing(home / "landing", "customers", Judge(set()))
    return {record.judged.values["customer_id"] for record in records if not record.judged.reasons}


def _key_of(feed: str, record: Record) -> Key:
    values = record.judged.values
    return (
        (values["tenant_id"], values["event_id"]) if feed == "tenant_events" else (values[FEEDS[feed].key],)
    )


def assert_truth_agrees(home: Path, feed: str, customers: set[str]) -> None:
    """Fails, naming records, where the truth and the reading differ."""
    records = judged_landing(home / "landing", feed, Judge(customers))
    told = duckdb.sql(
        f"select file, record_number, verdict, reasons, repaired from {table(home, f'{feed}_records')}"
        " order by file, record_number"
    ).fetchall()
    assert [(record.file, record.number) for record in records] == [row[:2] for row in told]
    _assert_judgements(records, told)
    best = _assert_winners(feed, records, told)
    _assert_entities(home, feed, best)


def _assert_judgements(records: list[Record], told: list[tuple[Any, ...]]) -> None:
    wrong = [
        (record.file, record.number, record.texts, record.judged.reasons, record.judged.repaired, row)
        for record, row in zip(records, told, strict=True)
        if record.judged.reasons != row[3] or (not row[3] and record.judged.repaired != row[4])
    ]
    assert not wrong, wrong[:5]


def _assert_winners(feed: str, records: list[Record], told: list[tuple[Any, ...]]) -> list[Record]:
    """Clean records are the best of their keys; of equal records in one file any one may be called clean."""
    keys: dict[Key, list[Record]] = defaultdict(list)
    for record in records:
        if not record.judged.reasons:
            keys[_key_of(feed, record)].append(record)
    best = {key: best_of(feed, rivals) for key, rivals in keys.items()}
    by_place = {(record.file, record.number): record for record in records}
    clean = [by_place[row[:2]] for row in told if row[2] == "clean"]
    assert len(clean) == len(best)
    wrong = []
    for record in clean:
        winner = best[_key_of(feed, record)]
        if (record.file, record.texts) != (winner.file, winner.texts):
            wrong.append((record, winner))
    assert not wrong, wrong[:3]
    return list(best.values())


def _assert_entities(home: Path, feed: str, best: list[Record]) -> None:
    columns = [
        c
        for c in FEEDS[feed].entity
        if c != "ingest_date" and not (feed == "tenant_events" and c in FROM_PAYLOAD)
    ]
    rows = duckdb.sql(
        f"select {', '.join(columns)}, ingest_date::varchar from {table(home, f'{feed}_entities')}"
    ).fetchall()
    expected = {
        (*(record.judged.values[column] for column in columns), record.file.split("ingest_date=")[1][:10])
        for record in best
    }
    made = set(rows)
    assert len(rows) == len(made) == len(expected)
    assert made == expected, (sorted(made - expected, key=str)[:3], sorted(expected - made, key=str)[:3])

"""The marts for people, compared with sums made here from the published transactions, build after build."""

import sqlite3
from collections import defaultdict
from contextlib import closing
from decimal import Decimal
from statistics import quantiles

import pytest
from tests.bank.bank_kit import deliver, predict_service, published_tables, transaction
from tests.pipeline.harness import DataHome

pytestmark = pytest.mark.slow  # many builds


def published(home: DataHome, sql: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(home.root / "published" / "sluice.db")) as database:
        database.row_factory = sqlite3.Row
        return database.execute(sql).fetchall()


def assert_sums_are_right(home: DataHome) -> None:
    """Every group of every spend table, and no other, with exact sums."""
    keys = {
        "spend_per_day": lambda row: (row["transacted_at"][:10],),
        "spend_per_category": lambda row: (row["transacted_at"][:7], row["category"] or "unclassified"),
        "spend_per_merchant": lambda row: (row["transacted_at"][:7], row["merchant"] or "(no merchant)"),
    }
    transactions = published(home, "select * from transactions")
    for table, key in keys.items():
        expected: dict[tuple, list] = defaultdict(lambda: [0, 0, Decimal(0), 0, Decimal(0)])
        for row in transactions:
            group, amount = expected[key(row)], Decimal(str(row["amount"]))
            group[0] += 1
            group[1 if row["side"] == "debit" else 3] += 1
            group[2 if row["side"] == "debit" else 4] += amount
        found = {}
        for row in published(home, f"select * from {table}"):
            length = 10 if table == "spend_per_day" else 7
            name = (row[0][:length], *([] if length == 10 else [row[1]]))
            assert row[0] == (row[0][:length] + "-01")[:10] + "T00:00:00Z"
            found[name] = [row["transaction_count"], row["debit_count"], row["spent"]]
            found[name] += [row["credit_count"], row["received"], row["net_spent"]]
        sums = {
            name: [g[0], g[1], float(g[2]), g[3], float(g[4]), float(g[2] - g[4])]
            for name, g in expected.items()
        }
        assert found == sums, table


def assert_unusual_are_right(home: DataHome) -> set[str]:
    """The documented rule, applied here."""
    habits = defaultdict(list)
    for row in published(home, "select * from transactions where merchant is not null"):
        habits[row["merchant"], row["side"]].append((row["id"], row["amount"]))
    unusual = set()
    for those in habits.values():
        if len(those) >= 10:
            low, middle, high = quantiles([amount for _, amount in those], n=4, method="inclusive")
            spread = max((high - low) / 1.349, middle / 10, 1)
            unusual |= {i for i, amount in those if abs(amount - middle) / spread >= 6}
    assert {row["id"] for row in published(home, "select id from unusual_amounts")} == unusual
    return unusual


def test_marts_follow_every_change(home: DataHome) -> None:
    first = [transaction(n) for n in range(300)] + [transaction(n, merchant="") for n in range(300, 320)]
    deliver(home, "a.csv", [*first, transaction(999, merchant="shop 1", amount="12,345.67")], modified=1)
    deliver(home, "b.csv", [transaction(n, timestamp="2026-03-05") for n in range(400, 500)], modified=1)
    home.build()
    assert_sums_are_right(home)
    assert "t999" in assert_unusual_are_right(home)

    # March is empty then, one transaction changes its merchant, month and side, and t999 is corrected.
    moved = transaction(3, merchant="elsewhere", timestamp="2026-05-01", side="credit")
    deliver(
        home,
        "a.csv",
        [*first[:3], moved, *first[4:], transaction(999, merchant="shop 1", amount="12.34")],
        modified=2,
    )
    deliver(home, "b.csv", [transaction(500, amount="0.1")], modified=2)
    with predict_service():
        home.assert_definitions(home.build())
    assert_sums_are_right(home)
    assert "t999" not in assert_unusual_are_right(home)

    # Answers arrive without any change of the transactions: only categories move.
    deliver(home, "c.csv", [transaction(n, amount="0.2") for n in range(600, 650)])
    home.assert_definitions(home.build())
    assert_sums_are_right(home)
    with predict_service():
        home.assert_definitions(home.build())
    assert_sums_are_right(home)
    assert not published(home, "select * from spend_per_category where category = 'unclassified'")
    built = published_tables(home)
    home.build("--full-refresh")
    assert published_tables(home) == built

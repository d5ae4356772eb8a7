"""The macros that judge values, held against a plain-Python reading of the contract on texts near its forms.

Each example is some hundreds of texts in one query; a failure names the texts that are read differently.
"""

from collections.abc import Iterable
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.cleaning import expression

from .contract_amounts import read_amount, read_number
from .contract_values import Options, clean_text, clean_value, read_instant
from .random_values import Texts

SEEDS = st.integers(0, 2**32)
TEXTS = 300


def ask(expressions: Iterable[str], texts: list[str]) -> list[tuple[Any, ...]]:
    """Each text with what the SQL expressions over `value` make of it."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        asked = "select unnest(cast($1 as varchar[])) as value"
        return connection.execute(
            f"select value, {', '.join(expressions)} from ({asked})", [texts]
        ).fetchall()


@settings(max_examples=40, deadline=None)
@given(
    SEEDS,
    st.sampled_from(["auto", "dmy", "mdy", "ymd", "mixed"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_instants(seed: int, order: str, zone: str) -> None:
    texts = Texts(seed)
    given_texts = sorted({text for text in (texts.instant() for _ in range(TEXTS)) if text})
    rows = ask(
        [
            expression(name, "value", None, f"'{order}'", zone)
            for name in ("parse_timestamp", "is_ambiguous_timestamp")
        ],
        given_texts,
    )
    readings = {text: read_instant(text, Options(order, zone)) for text in given_texts}
    wrong = [(row, readings[row[0]]) for row in rows
             if row[1:] != (readings[row[0]].instant, readings[row[0]].is_ambiguous)]  # fmt: skip
    assert wrong == []


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_what_instants_tell_of_their_file(seed: int) -> None:
    texts = Texts(seed)
    rows = ask(
        [expression("value_forms", instants=["value"])],
        [text for text in (texts.instant() for _ in range(TEXTS)) if text],
    )
    assert [row for row in rows if row[1] != read_instant(row[0]).forms] == []


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from(["point", "comma", "auto", "mixed"]))
def test_amounts(seed: int, decimal: str) -> None:
    texts = Texts(seed)
    rows = ask(
        [
            expression("parse_amount", "value", None, f"'{decimal}'"),
            expression("value_forms", amounts=["value"]),
            expression("parse_number", "value"),
        ],
        [text for text in (texts.amount() for _ in range(TEXTS)) if text],
    )
    wrong = []
    for row in rows:
        amount = read_amount(row[0], decimal)
        if row[1:] != (amount.value, amount.forms, read_number(row[0])):
            wrong.append((row, amount))
    assert wrong == []


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_cleaning(seed: int) -> None:
    texts = Texts(seed)
    rows = ask(
        [
            expression("clean_text", "value"),
            expression("clean_value", "value"),
            expression("clean_value", "value", None, "lower"),
        ],
        [texts.field() for _ in range(TEXTS)],
    )
    wrong = []
    for raw, text, value, folded in rows:
        expected = clean_value(raw)
        if (text, value, folded) != (clean_text(raw), expected, expected and expected.lower()):
            wrong.append((raw, text, value, folded))
    assert wrong == []


@pytest.mark.parametrize(
    ("forms", "order", "decimal", "again"),
    [
        (0, None, None, False),
        (1, "dmy", None, False),
        (2, "mdy", None, False),
        (3, "mixed", None, False),
        (4, "auto", None, False),
        (5, "dmy", None, False),
        (6, "mdy", None, True),
        (7, "mixed", None, True),
        (64, "auto", None, False),
        (65, "dmy", None, True),
        (66, "mdy", None, True),
        (67, "mixed", None, False),
        (8, None, "point", False),
        (16, None, "comma", False),
        (32, None, "auto", False),
        (24, None, "mixed", False),
        (40, None, "point", False),
        (48, None, "comma", True),
        (56, None, "mixed", True),
        (54, "mdy", "comma", True),
    ],
)
def test_what_a_file_decides(forms: int, order: str | None, decimal: str | None, *, again: bool) -> None:
    bits = f"cast({forms} as utinyint)"
    decided = ", ".join(
        expression(name, bits) for name in ("decided_order", "decided_decimal", "must_read_again")
    )
    assert duckdb.execute(f"select {decided}").fetchone() == (order, decimal, again)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_a_file_is_read_again_where_its_values_come_out_otherwise(seed: int) -> None:
    """What `must_read_again` lets pass reads the same with what the file tells as with auto."""
    texts = Texts(seed)
    small_files = [[texts.instant() for _ in range(3)] for _ in range(60)]
    told = ask(
        [expression("value_forms", instants=["value"])], [text for file in small_files for text in file]
    )
    forms = dict(told)
    decide = {
        bits: duckdb.execute(
            f"select {expression('decided_order', f'cast({bits} as utinyint)')},"
            f" {expression('must_read_again', f'cast({bits} as utinyint)')}"
        ).fetchone()
        for bits in range(128)
        if bits & 56 == 0
    }
    for file in small_files:
        together = 0
        for text in file:
            together |= forms.get(text, 0)
        order, again = decide[together]
        with_auto = [read_instant(text) for text in file]
        as_told = [read_instant(text, Options(order or "auto")) for text in file]
        is_same = [(a.instant, a.is_ambiguous) for a in with_auto] == [
            (t.instant, t.is_ambiguous) for t in as_told
        ]
        assert again == (not is_same), (file, together, order)

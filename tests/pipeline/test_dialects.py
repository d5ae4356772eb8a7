"""Random tables in random dialects, delivered, built and read back: every record is there with equal values.

A file draws its dialect (lines above the header, encoding, delimiter, quotes, line ends, blank rows, trailing delimiters,
compression, names of columns) and how it writes values (order of day and month, decimal sign, thousands). The values of its
records are known, so what is published can be compared with them.
"""

import bz2
import csv
import datetime as dt
import gzip
import io
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest
import zstandard
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.pipeline.harness import DataHome

pytestmark = pytest.mark.slow  # each example is a build

COLUMNS = ("id", "description", "amount", "timestamp", "merchant", "operation_type", "side")
FILES = 60
PACK: dict[str, Callable[[bytes], bytes]] = {
    "csv": bytes, "CSV": bytes, "txt": bytes, "csv.gz": gzip.compress, "csv.bz2": bz2.compress,
    "csv.xz": lzma.compress, "csv.zst": zstandard.compress, "tsv.gz": bytes,
}  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "windows-1252")
Record = tuple[str, str, Decimal, dt.datetime, str]


@dataclass(frozen=True)
class Dialect:
    """How one file is written."""

    above: int
    encoding: str
    delimiter: str
    line_end: str
    quote_all: bool
    blank_rows: bool
    trailing: bool
    suffix: str
    name_style: int
    date_style: int
    is_comma: bool
    thousands: bool


dialects = st.builds(
    Dialect,
    above=st.integers(0, 3),
    encoding=st.sampled_from(ENCODINGS),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quote_all=st.booleans(),
    blank_rows=st.booleans(),
    trailing=st.booleans(),
    suffix=st.sampled_from(sorted(PACK)),
    name_style=st.integers(0, 3),
    date_style=st.integers(0, 6),
    is_comma=st.booleans(),
    thousands=st.booleans(),
)
texts = st.text(st.sampled_from("abc é,;|\t\"'ü()"), min_size=1, max_size=8).map(
    lambda text: "x" + text + "x"
)
instants = st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2068, 12, 31)).map(
    lambda instant: instant.replace(second=0, microsecond=0)
)
amounts = st.decimals(0, 10**9, places=2)
tables = st.tuples(dialects, st.lists(st.tuples(texts, amounts, instants, texts), min_size=1, max_size=5))


def date_text(instant: dt.datetime, style: int) -> str:
    clock = f"{instant:%H:%M}"
    return [
        f"{instant:%Y-%m-%d}T{clock}Z",
        f"{instant.year}/{instant.month}/{instant.day} {clock}",
        f"{instant:%d/%m/%Y} {clock}",
        f"{instant.month}/{instant.day}/{instant.year} {instant.hour % 12 or 12}:{instant:%M %p}",
        f"{instant:%d.%m.%y} {clock}",
        f"{instant:%d-%b-%Y} {clock}",
        f"{instant:%b %d, %Y} {clock} UTC",
    ][style]


def amount_text(amount: Decimal, dialect: Dialect) -> str:
    text = f"{amount:,.2f}" if dialect.thousands else f"{amount:.2f}"
    return text.translate(str.maketrans(",.", ".,")) if dialect.is_comma else text


def name(column: str, style: int) -> str:
    return [column, column.upper(), column.replace("_", " ").title(), f" {column.replace('_', '-')} "][style]


def written(dialect: Dialect, records: list[Record]) -> bytes:
    """The file. Its first record tells the order of its dates."""
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if dialect.quote_all else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=dialect.delimiter, lineterminator=dialect.line_end, quoting=quoting)
    out.write("".join(f"Statement {number}{dialect.line_end}" for number in range(dialect.above)))
    extra = [""] if dialect.trailing else []
    writer.writerow([name(column, dialect.name_style) for column in COLUMNS] + extra)
    for key, description, amount, instant, merchant in records:
        row = [
            key,
            description,
            amount_text(amount, dialect),
            date_text(instant, dialect.date_style),
            merchant,
        ]
        writer.writerow([*row, "Card Payment", "DEBIT", *extra])
        if dialect.blank_rows:
            out.write(dialect.delimiter * 6 + dialect.line_end + "  " + dialect.line_end)
    return PACK[dialect.suffix](out.getvalue().encode(dialect.encoding))


@settings(
    max_examples=2,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
@given(drawn=st.lists(tables, min_size=FILES, max_size=FILES))
def test_every_record_of_every_dialect_is_read(drawn: list, home: DataHome) -> None:
    home.clear()
    expected = {}
    for number, (dialect, rows) in enumerate(drawn):
        told = ("x", Decimal("1234567.89"), dt.datetime(2026, 1, 31), "xüx")  # reads one way only
        records = [(f"{number}-{at}", *row) for at, row in enumerate([told, *rows])]
        home.write(
            f"transactions/ingest_date=2026-01-01/{number}.{dialect.suffix}", written(dialect, records)
        )
        expected |= {record[0]: (dialect, record[1:]) for record in records}
    home.build()
    failed = home.query("select file, error from file_loads where status = 'failed'")
    assert failed == [], [(drawn[int(file.split("/")[-1].split(".")[0])][0], error) for file, error in failed]
    rejected = home.query("select file, reject_reasons, raw_record from quarantine")
    assert rejected == [], [(drawn[int(row[0].split("/")[-1].split(".")[0])][0], row) for row in rejected]
    found = {
        key: (description, amount, at, merchant)
        for key, description, amount, at, merchant in home.query(
            "select id, description, amount, transacted_at, merchant from transactions"
        )
    }
    assert found.keys() == expected.keys()
    for key, (dialect, (description, amount, instant, merchant)) in expected.items():
        assert found[key] == (description.strip(), amount, instant, merchant.strip()), (key, dialect)

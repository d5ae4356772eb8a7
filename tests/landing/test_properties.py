"""Whatever the mess, the fast reader finds what the slow one finds, and DuckDB reads back what it left."""

import csv
import io
import os
import tempfile
from pathlib import Path
from unittest.mock import patch

import duckdb
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from sluice.landing import limits

from . import reference
from .support import inspect_bytes, read_faults, read_rows

COLUMNS = ["alpha", "beta", "gamma", "delta"]
relaxed = settings(
    max_examples=int(os.environ.get("SLUICE_EXAMPLES", "50")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

widths = st.integers(1, 4)
delimiters = st.sampled_from([",", ";", "\t", "|"])
PIECES = (
    [
        b"a",
        b"bc",
        b" ",
        b'"',
        b'""',
        b'"',
        b"\n",
        b"\r\n",
        b"\r",
        b"D",
        b"D",
        b"D",
        b"\xff",
        b"\xc3\xa9",
        b"\0",
    ]
    + [b'"x"', b'D"', b'"D', b'"\n', b"\n\n", b"\xef\xbb\xbf", b"1D2D3D4\n", b"1D2\n", b"1D2D3\r\n", b"x\n"]
    + [b'"1"D"2"\n']
)
"""What messy files are made of; D stands for the delimiter."""
pieces = st.sampled_from(PIECES)
mess = st.lists(pieces, max_size=40).map(b"".join)


def check(data: bytes, width: int, delimiter: str, newline: str, folder: Path, connection) -> None:
    """Compare the fast reader with the slow one on a file whose body is `data`."""
    print(f"{data!r}, {width} columns, {delimiter!r}, {newline!r}")
    header = delimiter.join(COLUMNS[:width]) + newline
    found = inspect_bytes(folder, header.encode() + data, COLUMNS)
    used = found.delimiter or ""
    assert used == (delimiter if width > 1 else ",")
    expected = reference.read_all(data.decode("utf-8", "surrogateescape"), used, width, limits.RECORD)
    assert read_faults(found) == expected.faults
    assert read_rows(found, connection) == expected.records
    assert found.records_read == len(expected.records) + len(expected.faults)


@relaxed
@given(data=mess, width=widths, delimiter=delimiters, newline=st.sampled_from(["\n", "\r\n"]))
@example(data=b'1,"x\ny",2,3\n', width=3, delimiter=",", newline="\n")
@example(data=b'1,"x\n4,5,6\n7,8,9\n', width=3, delimiter=",", newline="\n")
@example(data=b'x","y\ngood,line\nx","y\ngood,line\nx","y\n', width=2, delimiter=",", newline="\n")
@example(data=b"\xef\xbb\xbf1,2\n\xef\xbb\xbf3\n", width=2, delimiter=",", newline="\n")
def test_mess(
    data: bytes, width: int, delimiter: str, newline: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(data.replace(b"D", delimiter.encode()), width, delimiter, newline, Path(folder), connection)


texts = st.text(st.sampled_from("ab ,;|\t\"\n\r'é\0"), max_size=5)


@relaxed
@given(
    data=mess,
    width=widths,
    delimiter=delimiters,
    newline=st.sampled_from(["\n", "\r\n"]),
    window=st.integers(1, 24),
    record=st.integers(8, 40),
)
def test_mess_in_small_windows(
    data: bytes,
    width: int,
    delimiter: str,
    newline: str,
    window: int,
    record: int,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(limits, "WINDOW", window),
        patch.object(limits, "RECORD", record),
    ):
        check(data.replace(b"D", delimiter.encode()), width, delimiter, newline, Path(folder), connection)


@relaxed
@given(
    rows=st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(texts, min_size=width, max_size=width), min_size=1, max_size=8)
    ),
    delimiter=delimiters,
    newline=st.sampled_from(["\n", "\r\n"]),
    quote_all=st.booleans(),
)
def test_what_csv_writes_is_read_whole(
    rows: list[list[str]],
    delimiter: str,
    newline: str,
    quote_all: bool,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    width = len(rows[0])
    delimiter = delimiter if width > 1 else ","
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quoting)
    writer.writerows([COLUMNS[:width], *rows])
    read_back = list(csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=delimiter))
    assume(read_back == [COLUMNS[:width], *rows])  # it writes a lone carriage return without quotes
    with tempfile.TemporaryDirectory() as folder:
        found = inspect_bytes(Path(folder), out.getvalue().encode(), COLUMNS)
        assert found.fault_count == 0
        assert found.delimiter == delimiter
        assert read_rows(found, connection) == rows

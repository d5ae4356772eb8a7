"""Whatever the mess, the fast reader finds what the slow one finds, and DuckDB reads back what it left."""

import csv
import io
import os
import tempfile
from pathlib import Path
from unittest.mock import patch

import duckdb
from hypothesis import HealthCheck, assume, example, given, note, settings
from hypothesis import strategies as st

from sluice.landing import limits
from sluice.landing.header import Names, find_repeated

from . import reference
from .support import feed_of, inspect_bytes, read_fault_lines, read_records, read_rows

COLUMNS = ["alpha", "beta", "gamma", "delta"]
relaxed = settings(
    max_examples=int(os.environ.get("SLUICE_EXAMPLES", "50")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

widths = st.integers(1, 4)
delimiters = st.sampled_from([",", ";", "\t", "|"])
newlines = st.sampled_from(["\n", "\r\n", "\r"])
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
    + [
        b'"1"D"2"\n',
        b"1D2D\n",
        b"1DD\n",
        b"1D\r2D\r",
        b"1D2\r3D4\r",
        b"DD\n",
        b' "1" D "2"\n',
        b'1"aDb"',
        b'1"a"D',
    ]
    + [
        b"alphaDbeta\n",
        b"betaDalpha\r\n",
        b"alphaDxDbetaDgamma\r",
        b"gamma;alpha;beta;delta\n",
        b"\n  \n",
        b"\r\r\n",
    ]
)
"""What messy files are made of; D stands for the delimiter."""
pieces = st.sampled_from(PIECES)
mess = st.lists(pieces, max_size=40).map(b"".join)


def check(
    data: bytes, width: int, surplus: int, delimiter: str, newline: str, folder: Path, connection
) -> None:
    """Compare the fast reader with the slow one on a file whose body is `data`."""
    note(f"{data!r}, {width} columns and {surplus}, {delimiter!r}, {newline!r}")
    top = delimiter.join(COLUMNS[:width]) + delimiter * surplus + newline
    feed = feed_of(COLUMNS[: max(width, 2)], encoding="utf-8")
    names = Names(feed)
    found = inspect_bytes(folder, top.encode() + data, feed)
    assert found.error is None
    used = found.delimiter or ""
    assert used == (delimiter if width + surplus > 1 else ",")
    header = names.header([name.encode() for name in COLUMNS[:width]] + [b""] * surplus, used)
    assert header is not None
    newline = "\r\n" if newline == "\r" and data.startswith(b"\n") else newline
    body = data[len(newline) - 1 if newline == "\r\n" and top.endswith("\r") else 0 :]
    slow = reference.Slow(
        body.decode("latin-1"),
        header[0],
        lambda line, so_far: find_repeated(line, names, so_far),
        lambda values, so_far: (names.header(values, so_far) or [None])[0],
        limit=limits.RECORD,
        line=2,
        mid_line=newline == "\r",
    )
    expected = slow.read()
    assert read_fault_lines(found) == expected.faults
    wanted = [
        ({key: value.decode() for key, value in record.items() if value}, line)
        for record, line in expected.records
    ]
    assert read_records(found, connection) == wanted
    assert found.records_read == len(expected.records) + len(expected.faults)


@relaxed
@given(
    data=mess, width=widths, surplus=st.sampled_from([0, 0, 0, 1, 2]), delimiter=delimiters, newline=newlines
)
@example(data=b'1,"x\ny",2,3\n', width=3, surplus=0, delimiter=",", newline="\n")
@example(data=b'1,"x\n4,5,6\n7,8,9\n', width=3, surplus=0, delimiter=",", newline="\n")
@example(data=b'x","y\ngood,line\nx","y\ngood,line\nx","y\n', width=2, surplus=0, delimiter=",", newline="\n")
@example(data=b"\xef\xbb\xbf1,2\n\xef\xbb\xbf3\n", width=2, surplus=0, delimiter=",", newline="\n")
def test_mess(
    data: bytes, width: int, surplus: int, delimiter: str, newline: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = data.replace(b"D", delimiter.encode())
        check(data, width, surplus, delimiter, newline, Path(folder), connection)


texts = st.text(st.sampled_from("ab ,;|\t\"\n\r'é\0"), max_size=5)


@relaxed
@given(
    data=mess,
    width=widths,
    surplus=st.sampled_from([0, 0, 0, 1, 2]),
    delimiter=delimiters,
    newline=newlines,
    window=st.integers(1, 24),
    record=st.integers(8, 40),
)
def test_mess_in_small_windows(
    data: bytes,
    width: int,
    surplus: int,
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
        data = data.replace(b"D", delimiter.encode())
        check(data, width, surplus, delimiter, newline, Path(folder), connection)


@relaxed
@given(
    rows=st.integers(2, 4).flatmap(
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
    rows = [row for row in rows if "".join(row[1:]).strip()]  # others are blank, or too_few_values
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quoting)
    writer.writerows([COLUMNS[:width], *rows])
    read_back = list(csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=delimiter))
    assume(read_back == [COLUMNS[:width], *rows])  # it writes a lone carriage return without quotes
    with tempfile.TemporaryDirectory() as folder:
        found = inspect_bytes(Path(folder), out.getvalue().encode(), feed_of(COLUMNS))
        assert found.fault_count == 0
        assert found.delimiter == delimiter
        assert read_rows(found, connection) == rows

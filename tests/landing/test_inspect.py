"""Each shape of file the contract names, alone."""

import gzip
import json
import os
import stat
from pathlib import Path

import duckdb
import pytest

from sluice.home import PROJECT_ROOT
from sluice.landing import inspect as inspect_module
from sluice.landing import limits
from sluice.landing.feed import FeedFormat
from sluice.landing.inspect import inspect_file, inspect_files
from sluice.landing.source import content_hash

from .support import feed_of, inspect_bytes, read_fault_lines, read_faults, read_part, read_records, read_rows

FEED = feed_of(["id", "name", "ts"])
SHOP = feed_of(["order_id", "customer_id", "order_time", "amount", "currency", "status"])
CASES = PROJECT_ROOT.parent / "shared/data"
BIG = 1 << 20
Rows = list[list[str]]


@pytest.mark.parametrize(
    "data",
    [
        b"id,name\n1,x\n",
        b"id,name\n1,x",
        b"\xef\xbb\xbfid,name\n1,x\n",
        b'\xef\xbb\xbf"id","name"\r\n1,x\r\n',
        b"id,name\r\n1,x",
        b'"id","na\nme"\n1,x\n',
        b'id,name\n1,"x"',
        b" ID , Name \n1,x\n",
        b"id,id\n1,x\n",
        b"id,\n1,x\n",
    ],
)
def test_regular_files_are_read_in_place(
    data: bytes, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    found = inspect_bytes(tmp_path, data, FEED)
    (part,) = found.parts
    assert (part.read_path, part.has_header, found.faults_path) == (str(tmp_path / "file.csv"), True, None)
    assert (found.header_kind, found.skipped_lines, found.encoding) == ("first line", 0, "utf-8")
    assert part.first_line == (3 if b"\nme" in data else 2)
    assert read_rows(found, connection) == [["1", "x"]]


def test_values_come_out_whole(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    data = b'id,name\n"a""b","c\nd"\n"e\r\nf","g\rh"\n"""",\0\n'
    found = inspect_bytes(tmp_path, data, FEED)
    assert found.parts[0].has_header and found.parts[0].quoted_newlines
    assert read_rows(found, connection) == [['a"b', "c\nd"], ["e\r\nf", "g\rh"], ['"', "\0"]]
    assert [line for _, line in read_records(found, connection)] == [2, 4, 7]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"id,name\n1,x\n\n2,y\n", [["1", "x"], ["2", "y"]]),
        (b"id,name\n1,x\r\n2,y\n", [["1", "x"], ["2", "y"]]),
        (b"\n\r\nid,name\n1,x\n", [["1", "x"]]),
        (b'id,name\n5" pipe,"x"\n', [['5" pipe', "x"]]),
        (b'id,name\n1, "x"\n', [["1", "x"]]),
        (b'id,name\n "1" ,\t"a,b" \n', [["1", "a,b"]]),
        (b"id,name\n1,x\ry\n", [["1", "x\ry"]]),
        (b"id,name\r\n1,x\r", [["1", "x"]]),
        (b"id\n\n\n1\n", [["1"]]),
        (b"id,n\xff\n1,x\n\xc3\xa9,y\n", [["1", "x"], ["é", "y"]]),
        (b"\xef\xbb\xbf\xef\xbb\xbfid,\xef\xbb\xbfname\n1,x\n", [["1", "x"]]),
        (b'"id" ,"name"\n1,x\n', [["1", "x"]]),
        (b"id,name\n1,x,\n2,y,,\n", [["1", "x"], ["2", "y"]]),
        (b"id,name,,\n1,x\n2,y\n", [["1", "x"], ["2", "y"]]),
        (b'id,name\n1,x\n  \n\t\n,\n , \n"",""\n2,y\n', [["1", "x"], ["2", "y"]]),
        (b"id,name\n1,x\n\x1a", [["1", "x"]]),
        (b"id,name\n1,x\x1a", [["1", "x"]]),
        (b"id,name\r\n1,x\r\n\x1a\x1a\r\n", [["1", "x"]]),
        (b"id,name\r1,x\r2,y\n", [["1", "x"], ["2", "y"]]),
        (b"id,name\r1,x\n2,y\n", [["1", "x"], ["2", "y"]]),
        (b"id,name\n1,x\r2,y\r", [["1", "x"], ["2", "y"]]),
        (b"id,name\r\r\n1,x\r\r\n2,y\r\r\n", [["1", "x"], ["2", "y"]]),
        (b"id,name\n1,x\nid,name\n2,y\n", [["1", "x"], ["2", "y"]]),
        (b"id,name\n1,x\n\xef\xbb\xbfID;Name\n2;y\n", [["1", "x"], ["2", "y"]]),
        (b"sep=;\nid;name\n1;x\n", [["1", "x"]]),
        (b'A "title\n# made, by; hand\n\nid,name\n1,x\n', [["1", "x"]]),
        (b'id,name\n1,"say \\"hi\\""\n2,"a, \\"b\\""\n', [["1", 'say "hi"'], ["2", 'a, "b"']]),
        (b'id,name\n1,"C:\\\\x \\"y\\""\n', [["1", 'C:\\x "y"']]),
        (b'id,name\n\n1,"C:\\dir\\"\n2,"a""b"\n', [["1", "C:\\dir\\"], ["2", 'a"b']]),
        (b"id,name\n1,'a,b'\n2,'it''s'\n", [["1", "a,b"], ["2", "it's"]]),
        (b"'id','name'\n'1','say \"x\"'\n", [["1", 'say "x"']]),
        (b"id,name\n1,O'Brien\n2,5' 3\"\n3,'tis\n", [["1", "O'Brien"], ["2", "5' 3\""], ["3", "'tis"]]),
    ],
)
def test_odd_files_come_out_right(
    data: bytes, rows: Rows, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    found = inspect_bytes(tmp_path, data, FEED)
    assert found.fault_count == 0
    assert [row for part in found.parts for row in read_part(part, connection)] == rows
    assert all(part.columns[0] == "id" for part in found.parts)


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b"1\n2,y\n", [("too_few_values", "1", 2)]),
        (b"2,y\nTotal: 1,\n", [("too_few_values", "Total: 1,", 3)]),
        (b"2,y\n(1 rows affected)\n", [("too_few_values", "(1 rows affected)", 3)]),
        (b"1,x,z\r\n2,y\n", [("too_many_columns", "1,x,z", 2)]),
        (b'1,"x\n2,y\n', [("unterminated_quote", '1,"x', 2)]),
        (b'1,"x"z\n2,y\n', [("unterminated_quote", '1,"x"z', 2)]),
        (b'1,"x\nfoo\n2,y\n', [("unterminated_quote", '1,"x\nfoo', 2)]),
        (b'1,"x\n2,y\n3,"z\n', [("unterminated_quote", '1,"x', 2), ("unterminated_quote", '3,"z', 4)]),
        (b'1"x,y"\n2,y\n', [("unterminated_quote", '1"x,y"', 2)]),
        (b'1"x",\n2,y\n', [("unterminated_quote", '1"x",', 2)]),
        (b"1,\xffx\n2,y\n\xc3\xa9,1,2\n", [("invalid_encoding", "1,\\xffx", 2), ("too_many_columns", "é,1,2", 4)]),
    ],
)  # fmt: skip
def test_faults(
    body: bytes, faults: list[tuple[str, str, int]], tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    found = inspect_bytes(tmp_path, b"id,name\n" + body, FEED)
    assert read_fault_lines(found) == faults
    assert read_rows(found, connection) == [["2", "y"]]


@pytest.mark.parametrize("field", [b'"a,b"', b'"a"', b'"a,b,c"', b'"a ""b"", c"'])
def test_a_lost_delimiter_shifts_no_value(field: bytes, tmp_path: Path) -> None:
    found = inspect_bytes(tmp_path, b"id,name,ts\n1" + field + b",2\n1" + field + b",2,\n", FEED)
    assert (found.records_read, found.fault_count) == (2, 2)


def test_a_delimiter_too_many_shifts_no_value(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    regular = b"1,x,\n2,,z\n3,x,z\n"
    found = inspect_bytes(tmp_path, b"id,name,ts\n" + regular + b"4,,x,\n5,x,,\n", FEED)
    assert read_fault_lines(found) == [("too_many_columns", "4,,x,", 5)]
    assert read_rows(found, connection) == [["1", "x", ""], ["2", "", "z"], ["3", "x", "z"], ["5", "x", ""]]
    trailing = regular.replace(b"\n", b",\n") + b"4,,x,\n"
    found = inspect_bytes(tmp_path, b"id,name,ts\n" + trailing, FEED)
    assert read_rows(found, connection)[-1] == ["4", "", "x"]


@pytest.mark.parametrize("length", [BIG, BIG + 1])
@pytest.mark.parametrize("quoted", [True, False])
def test_longest_record(
    length: int, quoted: bool, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    text = b'"' + b"x\n" * ((length - 4) // 2) + b"y" * (length % 2) + b'"' if quoted else b"x" * (length - 2)
    record = b"1," + text
    assert len(record) == length
    found = inspect_bytes(tmp_path, b"id,name\n0,a\n" + record + b"\n2,y\n", FEED)
    assert found.records_read == 3
    too_long = [("line_too_long", record.decode())] if length > BIG else []
    assert read_faults(found) == too_long
    assert len(read_rows(found, connection)) == 3 - len(too_long)


def test_the_raw_text_of_a_fault_is_cut_at_the_limit(tmp_path: Path) -> None:
    feed = feed_of(["id", "name"], max_raw_bytes=1000)
    found = inspect_bytes(tmp_path, b"id,name\n1,x\n" + b"y" * (6 * BIG) + b"\n2,z\n3\n" + b"4" * 2000, feed)
    kept = "y" * 1000 + f" [cut; {6 * BIG} bytes in all]"
    assert read_fault_lines(found) == [
        ("line_too_long", kept, 3),
        ("too_few_values", "3", 5),
        ("too_few_values", "4" * 1000 + " [cut; 2000 bytes in all]", 6),
    ]
    assert found.records_read == 5


def test_a_stray_quote_in_a_large_file_costs_one_record(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    body = b"".join(b"%d,some name\n" % number for number in range(200_000))
    found = inspect_bytes(tmp_path, b"id,name\n" + body + b'7,"stray\n' + body, FEED)
    assert read_fault_lines(found) == [("unterminated_quote", '7,"stray', 200_002)]
    assert len(read_rows(found, connection)) == 400_000


@pytest.mark.parametrize(
    ("options", "data"),
    [
        ({"delimiter": "~"}, b"id~name\n1~a,b\n"),
        ({"quote": "'"}, b"id,name\n'1','a,b'\n"),
        ({"quote": "`"}, b"id,name\n1,`a,b`\n"),
        ({"escape": "\\"}, b'id,name\n1,"a,b"\n'),
        ({"escape": "^"}, b'id,name\n1,"a,b^"^""\n'),
    ],
)
def test_options(
    options: dict[str, str], data: bytes, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    found = inspect_bytes(tmp_path, data, feed_of(["id", "name"], **options))
    assert read_rows(found, connection) == [["1", 'a,b""' if b"^" in data else "a,b"]]
    wrong = inspect_bytes(tmp_path, data, feed_of(["id", "name"], **dict.fromkeys(options, "é")))
    assert "one ASCII character" in (wrong.error or "")


def test_names_that_are_patterns_are_read_by_a_link(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    feed, texts = feed_of(["id"]), {"a[1].csv": b"id\n1\n", "a1.csv": b"id\n2\n", "a*?{}.csv": b"id\n3\n"}
    for name, text in texts.items():
        found = inspect_bytes(tmp_path, text, feed, name)
        assert read_rows(found, connection) == [[text[3:4].decode()]]
        assert not set(found.parts[0].read_path) & set("[]*?{}")


def test_copies_are_for_their_owner_only(tmp_path: Path) -> None:
    inspect_bytes(tmp_path, b'id,name\n1,"a\nb",\n2\n', FEED)
    inspect_bytes(tmp_path, b'id,name\n1,"a \\"b\\""\n', FEED)
    copies = list((tmp_path / "work").iterdir())
    assert len(copies) >= 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in copies} == {0o600}


@pytest.mark.parametrize(
    "data",
    [b"id,name\n1,x\n", b"id,name\n1,x\n\n2\n", gzip.compress(b"id,name\n1,x\n", mtime=0)],
    ids=["plain", "with a fault", "packed"],
)
def test_known_content_is_not_looked_at_again(data: bytes, tmp_path: Path) -> None:
    found = inspect_bytes(tmp_path, data, FEED)
    assert found.content_hash == content_hash(str(tmp_path / "file.csv"))
    assert not found.is_unchanged and found.records_read
    again = inspect_file(str(tmp_path / "file.csv"), FEED, tmp_path / "again", found.content_hash)
    assert again.is_unchanged and again.records_read is None and again.size_bytes == len(data)
    assert not list((tmp_path / "again").iterdir())
    other = inspect_file(str(tmp_path / "file.csv"), FEED, tmp_path / "again", "0" * 32)
    assert other.content_hash == found.content_hash and other.records_read == found.records_read


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\n\r\n", "only empty lines"),
        (b"1,2,3\n", "No header was found"),
        (b"x" * (BIG + 10), "longer than 1 MiB"),
    ],
)
def test_files_that_cannot_be_loaded(data: bytes, words: str, tmp_path: Path) -> None:
    found = inspect_bytes(tmp_path, data, FEED)
    assert words in (found.error or "")
    assert not found.retry
    assert not found.parts
    assert found.size_bytes == len(data) and found.content_hash == content_hash(str(tmp_path / "file.csv"))


def test_a_header_alone_is_a_file_of_no_records(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    for data in (b"id,name\n", b"id,name", b"title\nid,name\n", b"id,name\r", b"id,name\n\n\x1a"):
        found = inspect_bytes(tmp_path, data, FEED)
        assert (found.records_read, found.fault_count, read_rows(found, connection)) == (0, 0, [])


def test_files_that_cannot_be_opened_are_tried_again(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    paths = [str(tmp_path / name) for name in ("gone.csv", "folder.csv", "pipe.csv")]
    found = inspect_files(paths, [None] * 3, FEED, tmp_path)
    assert [inspection.retry for inspection in found] == [True, True, True]
    assert "No such file" in (found[0].error or "")


def test_a_file_that_changes_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def growing(path: str, work_dir: Path, feed: FeedFormat) -> object:
        with Path(path).open("ab") as out:
            out.write(b"2,y\n")
        return plain_text(path, work_dir, feed)

    plain_text = inspect_module.plain_text
    monkeypatch.setattr(inspect_module, "plain_text", growing)
    found = inspect_bytes(tmp_path, b"id\n1\n", FEED)
    assert found.retry and "changed" in (found.error or "")
    assert found.size_bytes == 5 and not found.parts


def test_several_files_keep_their_order(tmp_path: Path) -> None:
    paths = []
    for number in range(9):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(b"id\n" + b"1\n" * number)
        paths.append(str(path))
    found = inspect_files(paths, [None] * 9, FEED, tmp_path)
    assert [inspection.records_read for inspection in found] == list(range(9))


def test_too_many_different_headers(tmp_path: Path) -> None:
    data = b"".join(b"id,x%s\n1,2\n" % (b"x" * number) for number in range(80))
    assert "different headers" in (inspect_bytes(tmp_path, data, FEED).error or "")


@pytest.mark.parametrize("newline", [b"\n", b"\r", b"\r\n"])
def test_files_larger_than_windows(newline: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WINDOW", 1 << 12)
    monkeypatch.setattr(limits, "RECORD", 1 << 10)
    body = newline.join(b"%d,name" % number for number in range(20_000))
    found = inspect_bytes(tmp_path, b"id,name" + newline + body + newline, FEED)
    assert (found.records_read, found.fault_count) == (20_000, 0)


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared CSV cases are not on this machine")
@pytest.mark.parametrize(
    "case", sorted(CASES.glob("csv-cases/csv-spectrum/csvs/*.csv")), ids=lambda path: path.stem
)
def test_csv_spectrum(case: Path, tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    expected = json.loads((case.parents[1] / "json" / f"{case.stem}.json").read_text())
    expected = expected if isinstance(expected, list) else [expected]
    data = case.read_bytes()
    if case.stem.endswith("_crlf"):  # the copy here lost its CRs, its JSON did not
        data = data.replace(b"\n", b"\r\n")
    found = inspect_bytes(tmp_path, data, feed_of(list(expected[0])))
    if case.stem.startswith("empty"):  # a record with nothing but its first field is a fault here
        assert read_fault_lines(found) == [("too_few_values", '1,"",""', 2)]
        del expected[0]
    rows = [dict(zip(found.parts[0].columns, row, strict=True)) for row in read_rows(found, connection)]
    for row in [*rows, *expected]:
        row.pop("Contact Phone Number", None)  # CSV and JSON differ there
    assert rows == expected


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared real data is not on this machine")
def test_real_data(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    files = sorted((CASES / "real/landing").glob("*/*/*.csv*"))
    keys = {"orders": "order_id", "customers": "customer_id", "transactions": "id"}
    for path in files:
        feed = feed_of([keys.get(path.relative_to(CASES / "real/landing").parts[0], "event_id")])
        found = inspect_file(str(path), feed, tmp_path)
        rows = read_rows(found, connection)
        assert found.fault_count == 0, path
        assert len(rows) == found.records_read

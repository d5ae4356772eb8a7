"""Each shape of file the contract names, alone."""

import gzip
import json
import os
from pathlib import Path

import duckdb
import pytest

from sluice.home import PROJECT_ROOT
from sluice.landing import inspect as inspect_module
from sluice.landing import source
from sluice.landing.inspect import inspect_files

from .support import inspect_bytes, read_faults, read_rows

KNOWN = ["id", "name", "ts"]
CASES = PROJECT_ROOT.parent / "shared/data"
BIG = 1 << 20


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
    found = inspect_bytes(tmp_path, data, KNOWN)
    assert (found.read_path, found.has_header, found.faults_path) == (str(tmp_path / "file.csv"), True, None)
    assert read_rows(found, connection) == [["1", "x"]]


def test_values_come_out_whole(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    data = b'id,name\n"",""\n"a""b","c\nd"\n"e\r\nf","g\rh"\n"""",\0\n'
    found = inspect_bytes(tmp_path, data, KNOWN)
    assert found.has_header and found.quoted_newlines
    assert read_rows(found, connection) == [["", ""], ['a"b', "c\nd"], ["e\r\nf", "g\rh"], ['"', "\0"]]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"id,name\n1,x\n\n2,y\n", [["1", "x"], ["2", "y"]]),
        (b"id,name\n1,x\r\n2,y\n", [["1", "x"], ["2", "y"]]),
        (b"\n\r\nid,name\n1,x\n", [["1", "x"]]),
        (b'id,name\n5" pipe,"x"\n', [['5" pipe', "x"]]),
        (b'id,name\n1, "x"\n', [["1", ' "x"']]),
        (b"id,name\n1,x\ry\n", [["1", "x\ry"]]),
        (b"id,name\r\n1,x\r", [["1", "x"]]),
        (b"id\n\n\n1\n", [["1"]]),
        (b"id,n\xff\n1,x\n", [["1", "x"]]),
        (b"\xef\xbb\xbf\xef\xbb\xbfid,\xef\xbb\xbfname\n1,x\n", [["1", "x"]]),
        (b'"id" ,"name"\n1,x\n', [["1", "x"]]),
    ],
)
def test_odd_files_are_made_regular(
    data: bytes, rows: list[list[str]], tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    found = inspect_bytes(tmp_path, data, KNOWN)
    assert found.fault_count == 0
    assert {name.lower() for name in found.header} & set(KNOWN)
    assert read_rows(found, connection) == rows


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b"1\n2,y\n", [("too_few_columns", "1")]),
        (b"1,x,\r\n2,y\n", [("too_many_columns", "1,x,")]),
        (b'1,"x\n2,y\n', [("unterminated_quote", '1,"x')]),
        (b'1,"x"z\n2,y\n', [("unterminated_quote", '1,"x"z')]),
        (b'1,"x\nfoo\n2,y\n', [("unterminated_quote", '1,"x\nfoo')]),
        (b'1,"x\n2,y\n3,"z\n', [("unterminated_quote", '1,"x'), ("unterminated_quote", '3,"z')]),
        (b"1,\xffx\n2,y\n", [("invalid_encoding", "1,\\xffx")]),
        (b'1,"\xe9x\n2,y\n', [("invalid_encoding", '1,"\\xe9x')]),
        (b"1,\xff\xfe,3\n2,y\n", [("invalid_encoding", "1,\\xff\\xfe,3")]),
    ],
)
def test_faults(
    body: bytes, faults: list[tuple[str, str]], tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    found = inspect_bytes(tmp_path, b"id,name\n" + body, KNOWN)
    assert read_faults(found) == faults
    assert read_rows(found, connection) == [["2", "y"]]


@pytest.mark.parametrize("length", [BIG, BIG + 1])
@pytest.mark.parametrize("quoted", [True, False])
def test_longest_record(
    length: int, quoted: bool, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    text = b'"' + b"x\n" * ((length - 4) // 2) + b"y" * (length % 2) + b'"' if quoted else b"x" * (length - 2)
    record = b"1," + text
    assert len(record) == length
    found = inspect_bytes(tmp_path, b"id,name\n0,a\n" + record + b"\n2,y\n", KNOWN)
    assert found.records_read == 3
    too_long = [("line_too_long", record.decode())] if length > BIG else []
    assert read_faults(found) == too_long
    assert len(read_rows(found, connection)) == 3 - len(too_long)


def test_a_stray_quote_in_a_large_file_costs_one_record(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    body = b"".join(b"%d,some name\n" % number for number in range(200_000))
    found = inspect_bytes(tmp_path, b"id,name\n" + body + b'7,"stray\n' + body, KNOWN)
    assert read_faults(found) == [("unterminated_quote", '7,"stray')]
    assert len(read_rows(found, connection)) == 400_000


def test_many_columns(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    names = ",".join(["id", *(f"c{number}" for number in range(11_999))])
    row = ",".join(["1"] * 12_000)
    found = inspect_bytes(tmp_path, f"{names}\n{row}\n{row},1\n{row}\n".encode(), KNOWN)
    assert len(read_rows(found, connection)) == 2
    assert [reason for reason, _ in read_faults(found)] == ["too_many_columns"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_that_yields_most_names_wins(delimiter: str, tmp_path: Path) -> None:
    header = f'id{delimiter}a,b;c|d{delimiter} TS\u00a0{delimiter}"na{delimiter}me"\n'
    found = inspect_bytes(tmp_path, header.encode(), KNOWN)
    assert found.delimiter == delimiter
    assert found.header[0] == "id"
    assert "TS" in found.header


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16(encoding: str, tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    data = "\ufeffid,name\r\n1,\u00e9\u65e5\U0001f600\r\n".encode(encoding)
    found = inspect_bytes(tmp_path, data, KNOWN)
    assert found.header == ["id", "name"]
    assert read_rows(found, connection) == [["1", "\u00e9\u65e5\U0001f600"]]
    assert found.size_bytes == len(data)


def test_gzip(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    packed = gzip.compress(b"id,name\n1,x\n") + gzip.compress(b"2,y\n") + b"\0" * 20
    found = inspect_bytes(tmp_path, packed, KNOWN, "file.csv.gz")
    assert found.has_header and found.read_path != str(tmp_path / "file.csv.gz")
    assert read_rows(found, connection) == [["1", "x"], ["2", "y"]]
    assert found.size_bytes == len(packed)


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "a.csv", "is empty"),
        (b"", "a.csv.gz", "is empty"),
        (b"\xef\xbb\xbf", "a.csv", "is empty"),
        (b"\n\r\n", "a.csv", "only empty lines"),
        (b"1,2,3\n", "a.csv", "no known column name"),
        (b"id,name\r1,2\r", "a.csv", "CR alone"),
        (b"x" * (BIG + 10), "a.csv", "longer than 1 MiB"),
        (b"\xff\xfei\0d\0\n", "a.csv", "UTF-16-LE"),
        (b"\xfe\xff\0i\0d\xd8\0\0x", "a.csv", "UTF-16-BE"),
        (b"id,name\n", "a.csv.gz", "gzip"),
        (gzip.compress(b"id,name\n1,2\n", mtime=0)[:-5], "a.csv.gz", "too early"),
        (gzip.compress(b"id,name\n1,2\n", mtime=0) + b"garbage", "a.csv.gz", "broken near byte"),
    ],
)
def test_files_that_cannot_be_loaded(data: bytes, name: str, words: str, tmp_path: Path) -> None:
    found = inspect_bytes(tmp_path, data, KNOWN, name)
    assert words in (found.error or "")
    assert not found.retry
    assert found.read_path is None
    assert found.size_bytes == len(data)


def test_files_that_cannot_be_opened_are_tried_again(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    paths = [str(tmp_path / name) for name in ("gone.csv", "folder.csv", "pipe.csv")]
    found = inspect_files(paths, KNOWN, tmp_path)
    assert [inspection.retry for inspection in found] == [True, True, True]
    assert "No such file" in (found[0].error or "")


def test_a_file_that_changes_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def growing(path: str, *rest: object) -> inspect_module.Inspection:
        with Path(path).open("ab") as out:
            out.write(b"2,y\n")
        return inspect_module.Inspection()

    monkeypatch.setattr(inspect_module, "_read", growing)
    found = inspect_bytes(tmp_path, b"id\n1\n", KNOWN)
    assert found.retry and "changed" in (found.error or "")
    assert found.size_bytes == 5


def test_several_files_keep_their_order(tmp_path: Path) -> None:
    paths = []
    for number in range(9):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(b"id\n" + b"1\n" * number)
        paths.append(str(path))
    assert [found.records_read for found in inspect_files(paths, KNOWN, tmp_path)] == list(range(9))


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
    found = inspect_bytes(tmp_path, data, [name.lower() for name in expected[0]])
    rows = [dict(zip(found.header, row, strict=True)) for row in read_rows(found, connection)]
    for row in [*rows, *expected]:
        row.pop("Contact Phone Number", None)  # CSV and JSON differ there
    assert rows == expected


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared real data is not on this machine")
def test_real_data(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    files = sorted((CASES / "real/landing").glob("*/*/*.csv*"))
    known = ["event_id", "customer_id", "order_id", "id"]
    for path, found in zip(files, inspect_files([str(path) for path in files], known, tmp_path), strict=True):
        rows = read_rows(found, connection)
        assert found.fault_count == 0, path
        assert len(rows) == found.records_read


def test_source_reads_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BLOCK", 3)
    text = "\ufeffid,name\n1,\U0001f600\n"
    packed = gzip.compress(text.encode("utf-16-le")) + gzip.compress("2,y\n".encode("utf-16-le"))
    found = inspect_bytes(tmp_path, packed, KNOWN, "file.csv.gz")
    assert (found.error, found.records_read) == (None, 2)

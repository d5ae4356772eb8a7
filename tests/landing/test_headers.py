"""Which line is the header, what its names are, and headers and rows that are no records further down."""

from pathlib import Path

import duckdb
import pytest

from .support import feed_of, inspect_bytes, read_fault_lines, read_faults, read_records, read_rows

FEED = feed_of(["id", "name", "ts"])
SHOP = feed_of(["order_id", "customer_id", "order_time", "amount", "currency", "status"])


def test_wide_files(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    names = ",".join(["id", *(f"c{number}" for number in range(1_999))])
    row = ",".join(["1"] * 2_000)
    found = inspect_bytes(tmp_path, f"{names}\n{row}\n{row},1\n{row}\n".encode(), FEED)
    assert len(read_rows(found, connection)) == 2
    assert read_faults(found)[0][0] == "too_many_columns"
    found = inspect_bytes(tmp_path, f"{names},one_more\n{row},1\n".encode(), FEED)
    assert found.error is not None and "2001 columns" in found.error


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_that_yields_most_names_wins(delimiter: str, tmp_path: Path) -> None:
    header = f'id{delimiter}"a,b;c"{delimiter} TS\u00a0{delimiter}"na{delimiter}me"\n'
    found = inspect_bytes(tmp_path, header.encode(), FEED)
    assert found.delimiter == delimiter
    assert found.parts[0].columns == ["id", None, "ts", "name"]
    assert found.parts[0].extra == [None, "a,b;c", None, None]


@pytest.mark.parametrize(
    "name",
    [
        "Order ID",
        "order-id",
        "ORDER_ID",
        "orderId",
        "order.id",
        "\ufeffOrder\u200bId (key)",
        "ＯＲＤＥＲ＿ＩＤ",
    ],  # noqa: RUF001
)
def test_names_match_by_letters_and_digits(name: str, tmp_path: Path) -> None:
    found = inspect_bytes(
        tmp_path, f"{name},Latency (ms)\n1,2\n".encode(), feed_of(["order_id", "latency_ms"])
    )
    assert found.parts[0].columns == ["order_id", "latency_ms"]
    found = inspect_bytes(tmp_path, f"{name},Amount (EUR)\n1,2\n".encode(), SHOP)
    assert found.parts[0].columns == ["order_id", "amount"]


def test_unknown_fields_have_distinct_labels(tmp_path: Path) -> None:
    header = b"id,re\0gion,x,x,x_2,,a\xffb,\xe2\x80\x8b,id\n"
    found = inspect_bytes(
        tmp_path, header + b"1,2,3,4,5,6,7,8,9\n", feed_of(["id", "name"], encoding="utf-8")
    )
    labels = found.parts[0].extra
    assert labels == [None, "re\\x00gion", "x", "x_2", "x_2_2", "column_6", "a\\xffb", "column_8", "id"]


@pytest.mark.parametrize(
    "lines",
    [
        ["Shop export", "made by hand, on 2026-01-01", "", ",,,,,"],
        ["sep=,"],
        ["# order_id is the key"],
        ["Order,Customer"],
        ["order_id;12"],
    ],
)
def test_lines_above_the_header_are_skipped_and_counted(
    lines: list[str], tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    text = "\n".join([*lines, "order_id,customer_id,order_time,amount,currency,status", "1,2,3,4,5,6", ""])
    found = inspect_bytes(tmp_path, text.encode(), SHOP)
    assert (found.skipped_lines, found.header_kind) == (len(lines), "below other lines")
    assert [line for _, line in read_records(found, connection)] == [len(lines) + 2]


def test_a_header_below_32_lines_is_not_found(tmp_path: Path) -> None:
    for lines, is_found in ((31, True), (32, False)):
        found = inspect_bytes(tmp_path, b"title\n" * lines + b"id,name\n1,x\n", FEED)
        assert (found.error is None) is is_found


def test_messages_hold_names_and_nothing_of_the_file(tmp_path: Path) -> None:
    found = inspect_bytes(tmp_path, b"c1,jane@example.org,5\nc2,joe@example.org,6\n", SHOP)
    assert found.error is not None and found.error_detail is not None
    assert "order_id" in found.error and "first 2 lines" in found.error
    assert "jane" not in found.error and "jane@example.org" in found.error_detail


def test_a_record_that_holds_the_word_is_no_header(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    body = b"7,id,2026-01-01\n8,name,x\n9,ID,3\n"
    assert "No header" in (inspect_bytes(tmp_path, body, FEED).error or "")
    found = inspect_bytes(tmp_path, b"id,name,ts\n" + body, FEED)
    assert len(read_rows(found, connection)) == 3


def test_a_second_table_is_a_part_of_its_own(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    data = b"id,name\n1,x\nTS;id;more\n9;2;m\nname,id\ny,3\nid,name\n4,z\n"
    found = inspect_bytes(tmp_path, data, FEED)
    assert read_records(found, connection) == [
        ({"id": "1", "name": "x"}, 2),
        ({"ts": "9", "id": "2", "more": "m"}, 4),
        ({"name": "y", "id": "3"}, 6),
        ({"id": "4", "name": "z"}, 8),
    ]
    assert [part.record_count for part in found.parts] == [2, 1, 1]


@pytest.mark.parametrize("header", [b"id,name,ts", b'"ID","Name","TS"', b"name,ts,id"])
@pytest.mark.parametrize("place", [0, 1, 5000, 39_999, 40_000])
@pytest.mark.parametrize("value", [b"some words", b"x2026-01-01"])
def test_repeated_headers_are_found_in_regular_files(
    header: bytes, place: int, value: bytes, tmp_path: Path
) -> None:
    rows = [b"%05d,%s,%d" % (number, value, number) for number in range(40_000)]
    rows.insert(place, header)
    found = inspect_bytes(tmp_path, b"id,name,ts\n" + b"\n".join(rows) + b"\n", FEED)
    assert (found.records_read, found.fault_count) == (40_000, 0)
    assert sum(part.record_count for part in found.parts) == 40_000


@pytest.mark.parametrize(
    "row", [b",,", b" , ,", b'"","",""', b"   ", b"12345,,", b'12345,"", ', b"(3 rows affected),,"]
)
@pytest.mark.parametrize("place", [0, 5000, 40_000])
def test_rows_without_values_are_found_in_regular_files(row: bytes, place: int, tmp_path: Path) -> None:
    rows = [b"%05d,some words,%d" % (number, number) for number in range(40_000)]
    rows.insert(place, row)
    found = inspect_bytes(tmp_path, b"id,name,ts\n" + b"\n".join(rows) + b"\n", FEED)
    reasons = [(reason, line) for reason, _, line in read_fault_lines(found)]
    assert reasons == ([("too_few_values", place + 2)] if row.strip(b' ,"') else [])
    assert sum(part.record_count for part in found.parts) == 40_000


def test_files_without_a_header(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    feed = feed_of(["id", "name", "ts"], header=False)
    for data in (
        b"1,x,y\n2,z,w\n",
        b"\xef\xbb\xbf1;x;y\r\n2;z;w\r\n",
        b"id,name,ts\n1,x,y\n2,z,w",
        b"\n1,x,y\n2,z,w,\n",
    ):
        found = inspect_bytes(tmp_path, data, feed)
        assert read_rows(found, connection) == [["1", "x", "y"], ["2", "z", "w"]]
        assert found.header_kind == ("first line" if data.startswith(b"id") else "none")
        assert found.parts[0].columns == ["id", "name", "ts"]
        assert found.parts[0].first_line == (2 if data[:1] in b"\ni" else 1)


FIVE = feed_of(["id", "name", "text", "link", "note"])


@pytest.mark.parametrize(
    ("text", "good", "faults"),
    [
        # a comma that is not quoted, in a file whose last column is usually empty: the values would shift
        ("1,a,b,c,\n2,a,one, two,c,\n3,a,b,c,\n", ["1", "3"], 1),
        # most rows have such a comma: their last field is no delimiter behind the last column
        ("1,a,b,c,\n2,a,b, b,c,\n3,a,b, b,c,\n4,a,b, b,c,\n", ["1"], 3),
        ("1,a,b,c,\n2,a,,b,c,\n3,a,b,c,\n", ["1", "3"], 1),
        # rows that end in one delimiter more than they have columns
        ("1,a,b,c,d,\n2,a,b,c,d,\n", ["1", "2"], 0),
        ("1,a,b,c,,\n2,a,b,c,,\n", ["1", "2"], 0),
        ("1,a,b,c,d,\n2,a,b,c,d,,\n3,a,b,c,d\n", ["1", "2", "3"], 0),
        ("1,a,b,c,,\n" * 20 + "2,a,b, b,c,,\n", ["1"] * 20, 1),
    ],
)
def test_no_values_shift_in_silence(
    text: str, good: list[str], faults: int, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    found = inspect_bytes(tmp_path, f"id,name,text,link,note\n{text}".encode(), FIVE)
    assert found.fault_count == faults
    assert [record["id"] for record, _ in read_records(found, connection)] == good


def test_a_header_that_lacks_a_delimiter(tmp_path: Path) -> None:
    rows = "1,a,b,c,\n2,a,b,c,\n"
    found = inspect_bytes(tmp_path, f"id,name,textlink,note\n{rows}".encode(), FIVE)
    assert found.error is not None
    assert "text and link without a delimiter" in found.error
    found = inspect_bytes(tmp_path, b"id,name,textlink,note\n1,a,b,c\n", FIVE)
    assert found.error is None


def test_a_stray_quote_before_a_line_that_is_too_long(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    long_line = b"2," + b"x" * (1 << 20) + b",c"
    found = inspect_bytes(tmp_path, b'id,name,ts\n1,"a,b\n' + long_line + b"\n3,b,c\n", FEED)
    assert [(reason, line) for reason, _, line in read_fault_lines(found)] == [
        ("unterminated_quote", 2),
        ("line_too_long", 3),
    ]
    assert read_rows(found, connection) == [["3", "b", "c"]]

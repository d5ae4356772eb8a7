"""What a message becomes in the landing file: text as it was sent, nothing judged, nothing lost."""

import base64
import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.streams.feeds import Feed
from sluice.streams.names import Place
from sluice.streams.rows import Encoder, Message

FEED = Feed("things", ("id", "amount", "payload"), {"identifier": "id"})
PLACE = Place("kafka", "topic", 3)


def landed(
    *values: bytes | None, value_format: str = "json", key: bytes = b"", headers: list | None = None
) -> list[dict[str, str]]:
    messages = [Message((number,), value, key, headers, 1_700_000_000) for number, value in enumerate(values)]
    data, _ = Encoder(FEED, value_format).encode(PLACE, messages)
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("12.50", "12.50"),
        ("1e400", "1e400"),
        ("-0.000", "-0.000"),
        ("12345678901234.5678", "12345678901234.5678"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1", "1"),
        ("true", "true"),
        ("null", ""),
        ('"  x "', "  x "),
        ('"a\\r\\nb"', "a\r\nb"),
        ('"say \\"hi\\", twice"', 'say "hi", twice'),
        ('{"b": 1.10 , "a":[1, 2]}', '{"b": 1.10 , "a":[1, 2]}'),
    ],
)
def test_values_keep_their_text(sent: str, text: str) -> None:
    assert landed(f'{{"id":"1","amount":{sent}}}'.encode())[0]["amount"] == text


def test_columns_are_found_by_name_and_alias() -> None:
    rows = landed(b'{" ID ":"1","AMOUNT":"2"}', b'{"identifier":"3"}', b'{"payload":{},"id":"4"}')
    assert [row["id"] for row in rows] == ["1", "3", "4"]
    assert rows[0]["amount"] == "2"


def test_unknown_names_become_columns_up_to_a_limit() -> None:
    many = {f"k{number}": number for number in range(150)}
    rows = landed(b'{"id":"1","colour":"red"}', json.dumps(many).encode(), b'{"id":"2","Colour":"blue"}')
    assert [row["colour"] for row in rows] == ["red", "", "blue"]
    assert rows[1]["k98"] == "98"
    assert json.loads(rows[1]["more_fields"])["k149"] == "149"


def test_an_event_cannot_forge_its_provenance() -> None:
    [row] = landed(b'{"id":"1","_topic":"forged"," _OFFSET":"9"}')
    assert (row["_topic"], row["_offset"], row["message_topic"]) == ("topic", "0", "forged")


@pytest.mark.parametrize("value", [b"\xff", b"[1]", b"1", b"nonsense", b'{"id":', b'{"id":NaN}', b"[" * 5000])
def test_undecodable_values_keep_their_bytes(value: bytes) -> None:
    rows = landed(b'{"id":"1","more":2}', value)
    assert base64.b64decode(rows[1]["_undecodable_base64"]) == value
    assert (rows[1]["id"], rows[1]["more"]) == ("", "")


def test_csv_values() -> None:
    rows = landed(b"1,2,3\r\n", b'"a,b","x\ny",', b"1,2", b'"open,2,3', b"1,2,3\n4,5,6", value_format="csv")
    assert [row["id"] for row in rows] == ["1", "a,b", "", "", ""]
    assert rows[1]["amount"] == "x\ny"
    assert [bool(row["_undecodable_base64"]) for row in rows] == [False, False, True, True, True]


def test_keys_and_headers() -> None:
    [row] = landed(b"{}", key=b"\xff", headers=[("a", b"1"), ("a", None), ("b", b"\xfe")])
    assert row["_key"] == "base64:/w=="
    assert json.loads(row["_headers"]) == [["a", "1"], ["a", ""], ["b", "base64:/g=="]]


RECORDS = st.dictionaries(st.sampled_from(["id", "amount", "payload", "x", "y"]), st.text(max_size=20))


@given(st.lists(RECORDS, max_size=8))
def test_any_text_comes_back(records: list[dict[str, str]]) -> None:
    rows = landed(*(json.dumps(record, ensure_ascii=False).encode() for record in records))
    for record, row in zip(records, rows, strict=True):
        assert {name: row.get(name, "") for name in record} == record


@given(st.lists(st.binary(max_size=50), max_size=8), st.sampled_from(["json", "csv"]))
def test_every_message_is_one_row(values: list[bytes], value_format: str) -> None:
    rows = landed(*values, value_format=value_format)
    assert [row["_offset"] for row in rows] == [str(number) for number in range(len(values))]


def test_a_tombstone_is_a_row_of_its_own_kind_and_counted() -> None:
    messages = [Message((n,), value, b"k", None, 0) for n, value in enumerate([b'{"id":"1"}', None, b""])]
    data, odd = Encoder(FEED, "json").encode(PLACE, messages)
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert [row["_tombstone"] for row in rows] == ["", "true", ""]
    assert (odd.tombstones, odd.undecodable, odd.framed) == (1, 1, 0)
    assert "_tombstone" not in landed(b'{"id":"1","_tombstone":"true"}')[0], "an event cannot set it"


@pytest.mark.parametrize(
    ("value", "read", "because"),
    [
        (b'\0\0\0\0\x07{"id":"1"}', True, ""),
        (b'\0\0\0\0\x07  {"id":"1","colour":"red"}', True, ""),
        (b"\0\0\0\0\x07\x02\x04ab", False, "schema 7): Avro or Protobuf"),
        (b"\0\0\0\1\x00\0\x0a\x02ab", False, "schema 256): Avro or Protobuf"),
        (b"\0\0\0\0\x07[1]", False, "not a JSON object"),
        (b"\0\0\0\0\x07", False, ""),
        (b"\xff", False, ""),
    ],
)
def test_frames_of_a_schema_registry_are_named(value: bytes, read: bool, because: str) -> None:
    [row] = landed(value)
    assert row["id"] == ("1" if read else "")
    assert bool(row["_undecodable_base64"]) is not read
    assert because in row.get("_undecodable_because", "") and bool(because) is ("_undecodable_because" in row)


def test_names_that_cannot_stand_in_a_header_share_a_column() -> None:
    odd = {
        "k" * 2_000_000: "long",
        "a\0b": "nul",
        "a\nb": "line",
        "a\x7fb": "delete",
        "nul": "x\0y",
        "x" * 201: "1",
    }
    rows = landed(json.dumps({"id": "1", **odd, "colour": "red"}).encode(), b'{"id":"2","more_fields":"own"}')
    assert [row["id"] for row in rows] == ["1", "2"]
    assert rows[0]["colour"] == "red"
    assert json.loads(rows[0]["more_fields"]) == odd
    assert json.loads(rows[1]["more_fields"]) == {"more_fields": "own"}
    assert max(map(len, rows[0])) < 30


def test_a_number_that_is_too_long_for_python_keeps_its_digits() -> None:
    number = "9" * 10_000
    [row] = landed(f'{{"id":"1","amount":{number},"x":{number},"s":"a\\nb"}}'.encode())
    assert (row["id"], row["amount"], row["x"], row["s"]) == ("1", number, number, "a\nb")


def test_two_names_of_one_column_are_both_kept() -> None:
    [row] = landed(b'{"id":"1","ID":"2","Colour":"red","colour":"blue"}')
    assert (row["id"], row["ID"], row["Colour"]) == ("1", "2", "red")
    assert json.loads(row["more_fields"]) == {"colour": "blue"}

"""What an accepted event is: the reasons one by one, timestamps like the build's, rows that read back."""

import csv
import io
import json
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ingest_kit import an_event

from sluice.cleaning import WHITE_SPACE
from sluice.home import PROJECT_ROOT
from sluice.ingest.events import MAX_PAYLOAD_BYTES, judge, timestamp_text
from sluice.ingest.rows import COLUMNS, encode_row
from sluice.ingest.timestamps import is_common
from sluice.ingest.timestamps import judge as judge_timestamps
from sluice.ingest.wire import decode_bulk
from sluice.streams.feeds import feed_named
from sluice.streams.names import Place
from sluice.streams.rows import Encoder, Message
from sluice.timestamps import parse_with_macro

LARGE = {"x": "y" * (MAX_PAYLOAD_BYTES - 8)}


def judged(event: Any, tenant: str | None = "acme") -> tuple[list[str], list[str]]:
    """The row's fields of one event, and the reasons it was refused for."""
    body = event if isinstance(event, str) else json.dumps(event, separators=(",", ":"))
    verdict = judge(decode_bulk(b'{"events":[' + body.encode() + b"]}"), tenant)
    rows = list(csv.reader(io.StringIO("".join(verdict.rows), newline="")))
    return (rows[0] if rows else [], [fault.reason for _, faults in verdict.rejected for fault in faults])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event_id": ...}, "missing_event_id"),
        ({"event_id": None}, "missing_event_id"),
        ({"event_id": "\t\u00a0 "}, "missing_event_id"),
        ({"event_id": "\u200b\ufeff\u3000"}, "missing_event_id"),
        ({"event_id": "null"}, "missing_event_id"),
        ({"event_id": "\\N"}, "missing_event_id"),
        ({"source": "\\N"}, "missing_source"),
        ({"event_id": 5}, "invalid_event_id"),
        ({"event_id": "a\0b"}, "invalid_event_id"),
        ({"event_id": "x" * 8_193}, "invalid_event_id"),
        ({"source": ...}, "missing_source"),
        ({"source": {}}, "invalid_source"),
        ({"event_type": ""}, "missing_event_type"),
        ({"event_type": []}, "invalid_event_type"),
        ({"timestamp": ...}, "missing_timestamp"),
        ({"timestamp": " "}, "missing_timestamp"),
        ({"timestamp": "2026-02-30T10:00:00Z"}, "invalid_timestamp"),
        ({"timestamp": "N/A"}, "missing_timestamp"),
        ({"timestamp": "13/01/26"}, "ambiguous_timestamp"),
        ({"timestamp": "85/01/13"}, "ambiguous_timestamp"),
        ({"timestamp": "13/13/26"}, "invalid_timestamp"),
        ({"timestamp": "now"}, "invalid_timestamp"),
        ({"timestamp": True}, "invalid_timestamp"),
        ({"timestamp": 12}, "invalid_timestamp"),
        ({"timestamp": []}, "invalid_timestamp"),
        ({"timestamp": "a\0b'"}, "invalid_timestamp"),
        ({"tenant_id": 5}, "invalid_tenant_id"),
        ({"tenant_id": "a b"}, "invalid_tenant_id"),
        ({"tenant_id": "\u212a"}, "invalid_tenant_id"),
        ({"tenant_id": "\u0130stanbul"}, "invalid_tenant_id"),
        ({"tenant_id": "x" * 65}, "invalid_tenant_id"),
        ({"schema_version": 0}, "invalid_schema_version"),
        ({"schema_version": -1}, "invalid_schema_version"),
        ({"schema_version": 1.5}, "invalid_schema_version"),
        ({"schema_version": True}, "invalid_schema_version"),
        ({"schema_version": "two"}, "invalid_schema_version"),
        ({"schema_version": 1 << 31}, "invalid_schema_version"),
        ({"schema_version": {}}, "invalid_schema_version"),
        ({"payload": []}, "invalid_payload"),
        ({"payload": "{}"}, "invalid_payload"),
        ({"payload": 0}, "invalid_payload"),
        ({"payload": {"x": "y" * (MAX_PAYLOAD_BYTES - 7)}}, "payload_too_large"),
        ({"colour": "x" * 65_536}, "extra_too_large"),
    ],
)
def test_each_fault_has_its_reason_and_no_other(changes: dict[str, Any], reason: str) -> None:
    assert judged(an_event(**changes)) == ([], [reason])


@pytest.mark.parametrize(
    ("changes", "column", "text"),
    [
        ({"event_id": " e1\u00a0"}, "event_id", "e1"),
        ({"tenant_id": None}, "tenant_id", "acme"),
        ({"tenant_id": " "}, "tenant_id", "acme"),
        ({"tenant_id": "ACME"}, "tenant_id", "acme"),
        ({"timestamp": 1768473000}, "timestamp", "1768473000"),
        ({"timestamp": 1768473000.25}, "timestamp", "1768473000.25"),
        ({"timestamp": 1768473000123}, "timestamp", "1768473000123"),
        ({"event_id": "\u200be1\u2060"}, "event_id", "e1"),
        ({"tenant_id": "\u3000Acme\ufeff"}, "tenant_id", "acme"),
        ({"tenant_id": "NULL"}, "tenant_id", "acme"),
        ({"source": "NULL"}, "source", "NULL"),
        # What another date in its file might turn round is written as it was read.
        ({"timestamp": " 15/01/2026 10:30 "}, "timestamp", "2026-01-15T10:30:00.000000Z"),
        ({"timestamp": "03/04/2026"}, "timestamp", "2026-04-03T00:00:00.000000Z"),
        ({"timestamp": "1/15/2026 9:05 PM"}, "timestamp", "2026-01-15T21:05:00.000000Z"),
        ({"timestamp": "15 Jan 2026 10:30"}, "timestamp", "15 Jan 2026 10:30"),
        ({"timestamp": "13/Jan/2026:11:32:14 +0000"}, "timestamp", "13/Jan/2026:11:32:14 +0000"),
        ({"schema_version": None}, "schema_version", "1"),
        ({"schema_version": " 2 "}, "schema_version", "2"),
        ({"schema_version": "NaN"}, "schema_version", "1"),
        ({"schema_version": 3.0}, "schema_version", "3"),
        ({"payload": None}, "payload", ""),
        ({"payload": LARGE}, "payload", json.dumps(LARGE, separators=(",", ":"))),
    ],
)
def test_what_is_accepted_is_trimmed(changes: dict[str, Any], column: str, text: str) -> None:
    row, reasons = judged(an_event(**changes))
    assert reasons == []
    assert row[COLUMNS.index(column)] == text


def test_a_number_out_of_range_is_about_its_field() -> None:
    assert judged('{"event_id": 1e999}')[1][0] == "invalid_event_id"


@pytest.mark.parametrize(
    "number",
    ["1.768303934e9", "1768303934123", "1768303934.5", "1768303934123.0", "1.768039341234567891e9", "1E400", "9" * 309],
)  # fmt: skip
def test_a_number_is_the_same_text_over_http_and_from_a_broker(number: str) -> None:
    body = f'{{"event_id":"e1","source":"web","event_type":"click","timestamp":{number}}}'
    message = Message((0,), body.encode(), None, None, 0)
    data, _ = Encoder(feed_named("tenant_events"), "json").encode(Place("kafka", "t", 0), [message])
    (from_broker,) = csv.DictReader(io.StringIO(data.decode(), newline=""))
    (event,) = decode_bulk(b'{"events":[' + body.encode() + b"]}")
    over_http = timestamp_text(event.timestamp)
    assert over_http == from_broker["timestamp"] == number


def truth_table() -> list[dict[str, str]]:
    """The cases that no option and no file decides."""
    with (PROJECT_ROOT / "seeds" / "timestamp_cases.csv").open(newline="", encoding="utf-8") as lines:
        return [row for row in csv.DictReader(lines) if not row["date_order"] and not row["time_zone"]]


def test_the_truth_table_of_timestamps_holds_here_too() -> None:
    cases = truth_table()
    assert len(cases) > 200
    judged_texts = judge_timestamps(case["raw"] for case in cases)
    ambiguous = {case["raw"] for case in cases if case["is_ambiguous"] == "true"}
    assert judged_texts.ambiguous == ambiguous
    assert judged_texts.invalid == {case["raw"] for case in cases if not case["expected"]} - ambiguous


DIGITS = st.integers(0, 99).map("{:02d}".format)
ISO = st.builds(
    "{}-{}-{}{}{}:{}:{}{}{}".format,
    st.sampled_from(["1979", "1980", "1981", "2000", "2026", "2096", "2099", "2100", "1900", "2１26"]),
    DIGITS,
    DIGITS,
    st.sampled_from(["T", " ", "t"]),
    DIGITS,
    DIGITS,
    DIGITS,
    st.sampled_from(["", ".1", ".123456", ".1234567891", "."]),
    st.sampled_from(["", "Z", "z", "+00:00", "-13:59", "+14:00", "+14:01", "+05:60", " Z", "+0530"]),
)
EPOCH = st.integers(1, 20).flatmap(lambda length: st.text("0123456789", min_size=length, max_size=length))


@settings(max_examples=300, deadline=None)
@given(st.one_of(ISO, EPOCH, st.text(max_size=30)))
@example("2096-02-29T00:00:00Z")
@example("2100-02-29T00:00:00Z")
def test_the_fast_path_takes_nothing_that_the_macro_refuses(text: str) -> None:
    text = text.replace("\0", "").strip(WHITE_SPACE)
    if text and is_common(text):
        assert parse_with_macro(text) is not None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(ISO, EPOCH, st.text(max_size=30)), max_size=20))
def test_a_request_s_timestamps_are_judged_like_the_macro_s(texts: list[str]) -> None:
    texts = [text.strip(WHITE_SPACE) for text in texts]
    expected = {
        text for text in texts if "\0" in text or (text and parse_with_macro(text) is None) or not text
    }
    judged_texts = judge_timestamps(texts)
    assert judged_texts.invalid | judged_texts.ambiguous == expected


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None)
@given(TEXT, TEXT, TEXT, TEXT)
def test_rows_read_back_as_they_were(event_id: str, source: str, timestamp: str, payload: str) -> None:
    line = encode_row(event_id, "acme", source, "click", timestamp, 1, payload)
    (row,) = csv.reader(io.StringIO(line, newline=""))
    assert row == [event_id, "acme", source, "click", timestamp, "1", payload]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=4), st.booleans(), st.sampled_from([None, 2]))
def test_every_accepted_payload_is_an_object_to_duckdb(
    payload: Any, ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(an_event(payload=payload), ensure_ascii=ascii_only, indent=indent)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    try:
        row, reasons = judged(text)
    except ValueError:
        return
    assert reasons == []
    kind = duckdb.execute("select json_type(?::json)", [row[-1]]).fetchone()
    assert kind == ("OBJECT",)
    assert json.loads(row[-1]) == payload

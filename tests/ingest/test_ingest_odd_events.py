"""Whatever is wrong with one event, it alone is refused, with its place, field and reason; the others are kept."""

import contextlib
import csv
import io
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ingest_kit import an_event, landed, running

from sluice.further_columns import MOST_COLUMNS
from sluice.ingest.events import judge
from sluice.ingest.odd import MAX_LEVELS
from sluice.ingest.rows import file_chunks
from sluice.ingest.settings import MAX_BODY_BYTES
from sluice.ingest.shapes import Fault, MalformedError, ShapeError, TooManyEventsError, WireEvent
from sluice.ingest.wire import decode_bulk, decode_event


def text(event_id: str, **changes: Any) -> bytes:
    return json.dumps(an_event(event_id, **changes)).encode()


def changed(field: str, value: bytes) -> bytes:
    """An event whose field has this text for its value."""
    event = {**an_event("bad"), field: "@@"}
    return json.dumps(event).encode().replace(b'"@@"', value)


def deep(levels: int, opens: bytes = b"[", closes: bytes = b"]") -> bytes:
    return opens * levels + b"1" + closes * levels


NOT_JSON = [
    ("NaN", changed("payload", b'{"a": NaN}'), "payload", "invalid_payload"),
    ("Infinity", changed("payload", b'{"a": [-Infinity]}'), "payload", "invalid_payload"),
    ("NaN as a timestamp", changed("timestamp", b"NaN"), "timestamp", "invalid_timestamp"),
    ("a word of Python", changed("schema_version", b"None"), "schema_version", "invalid_schema_version"),
    ("a number that begins with 0", changed("schema_version", b"01"), "schema_version", "invalid_schema_version"),
    ("a newline in a string", changed("source", b'"a\nb"'), "source", "invalid_source"),
    ("a NUL in a string", changed("source", b'"a\0b"'), "source", "invalid_source"),
    ("an unknown escape", changed("event_type", b'"a\\x41"'), "event_type", "invalid_event_type"),
    ("half of an escape", changed("event_type", b'"\\u12"'), "event_type", "invalid_event_type"),
    ("a lone surrogate", changed("payload", b'{"a": "\\ud800"}'), "payload", "invalid_payload"),
    ("a lone low surrogate", changed("payload", b'{"\\udc00": 1}'), "payload", "invalid_payload"),
    ("a lone surrogate in an id", changed("event_id", b'"\\uDBFF"'), "event_id", "invalid_event_id"),
    ("2,000 levels", changed("payload", b'{"a":' + deep(2_000) + b"}"), "payload", "invalid_payload"),
    ("100,000 levels", changed("payload", deep(100_000, b'{"a":', b"}")), "payload", "invalid_payload"),
    ("levels in an id", changed("event_id", deep(3_000)), "event_id", "invalid_event_id"),
    ("levels in an unknown field", changed("colour", deep(3_000)), "colour", "malformed_json"),
    ("NaN in an unknown field", changed("colour", b"NaN"), "colour", "malformed_json"),
    ("bytes that are not UTF-8", changed("payload", b'{"a": "\xff\xfe"}'), "payload", "invalid_encoding"),
    ("Latin-1", changed("source", b'"caf\xe9"'), "source", "invalid_encoding"),
    ("a surrogate as UTF-8", changed("source", b'"\xed\xa0\x80"'), "source", "invalid_encoding"),
    ("a name that is not UTF-8", text("x").replace(b'"source"', b'"sour\xff"'), None, "invalid_encoding"),
    ("a bare word", b"nonsense", None, "malformed_json"),
    ("names without quotes", b"{event_id: 1}", None, "malformed_json"),
    ("single quotes", b"{'event_id': 'a'}", None, "malformed_json"),
    ("a comma too many", b'{"event_id": "a",}', None, "malformed_json"),
    ("two values", b'{"event_id": "a"} {}', None, "malformed_json"),
    ("a comment", b'{"event_id": "a" /* why */}', None, "malformed_json"),
    ("an open string", b'{"event_id": "a', None, "malformed_json"),
    ("an open string at a name", b'{"event_id: "a"}', None, "malformed_json"),
    ("an open object", b'{"event_id": "a", "payload": {"b": 1}', None, "malformed_json"),
    ("an open list", b'{"event_id": "a", "x": [1, 2}', None, "malformed_json"),
    ("a bracket too many", text("x") + b"}", None, "malformed_json"),
    ("a bracket of another kind", b'{"event_id": "a"]', None, "malformed_json"),
    ("a quote in a string", b'{"event_id": "say "hi", then"}', None, "malformed_json"),
    ("nothing", b"", None, "malformed_json"),
]  # fmt: skip
"""What makes the whole body something that no decoder takes: name, text, field, reason."""

JSON = [
    ("a timestamp of 309 digits", changed("timestamp", b"1" * 309), "timestamp", "invalid_timestamp"),
    ("a timestamp of 10,000 digits", changed("timestamp", b"1" * 10_000), "timestamp", "invalid_timestamp"),
    ("a timestamp beyond any float", changed("timestamp", b"1e400"), "timestamp", "invalid_timestamp"),
    ("a negative one", changed("timestamp", b"-" + b"9" * 400), "timestamp", "invalid_timestamp"),
    ("a text of 300,000 digits", changed("timestamp", b'"' + b"9" * 300_000 + b'"'), "timestamp", "invalid_timestamp"),
    ("a version of 309 digits", changed("schema_version", b"1" * 309), "schema_version", "invalid_schema_version"),
    ("a version beyond any float", changed("schema_version", b"1e999"), "schema_version", "invalid_schema_version"),
    ("an id of 5,000 digits", changed("event_id", b"1" * 5_000), "event_id", "invalid_event_id"),
    ("an id with a fraction", changed("event_id", b"1.5"), "event_id", "invalid_event_id"),
    ("a source with an exponent", changed("source", b"1e5"), "source", "invalid_source"),
    ("a tenant with a fraction", changed("tenant_id", b"1.5"), "tenant_id", "invalid_tenant_id"),
    ("a field twice", text("x")[:-1] + b', "event_id": "y"}', "event_id", "duplicate_field"),
    ("a field twice, once as an escape", text("x")[:-1] + b', "event\\u005fid": "y"}', "event_id", "duplicate_field"),
    ("a field twice, once null", text("x")[:-1] + b', "source" : null}', "source", "duplicate_field"),
    ("a list", b"[]", None, "not_an_object"),
    ("a string", b'"x"', None, "not_an_object"),
    ("a number", b"1.5", None, "not_an_object"),
    ("null", b"null", None, "not_an_object"),
    ("too many levels", changed("payload", deep(MAX_LEVELS + 1, b'{"a":', b"}")), "payload", "invalid_payload"),
    ("unknown fields of 65 KB", changed("colour", b'"' + b"x" * 65_536 + b'"'), None, "extra_too_large"),
]  # fmt: skip
"""What is JSON and no event."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running(tmp_path_factory.mktemp("home")) as (client, _):
        yield client


def bulk(client: Any, *events: bytes, token: str = "acme-token") -> Any:
    body = b'{"events": [' + b", ".join(events) + b"]}"
    return client.post("/events/bulk", content=body, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("kind", [*NOT_JSON, *JSON], ids=lambda kind: kind[0])
def test_one_bad_event_is_refused_alone(client: Any, kind: tuple[str, bytes, str | None, str]) -> None:
    _, bad, field, reason = kind
    for place in range(4):
        events = [text(f"good-{number}") for number in range(3)]
        events.insert(place, bad)
        answer = bulk(client, *events)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        if bad == b"" and place == 3 and body["accepted"] == 3:
            continue
        (refused,) = body["rejected"]
        assert body["accepted"] == 3, body
        assert (refused["index"], refused["field"], refused["reason"]) == (place, field, reason)


def test_many_bad_events_among_good_ones(tmp_path: Path) -> None:
    """The bad ones apart from each other, because where two broken ones meet nobody can say where the first ends."""
    bad = [kind for kind in [*NOT_JSON, *JSON] if kind[1]]
    random.Random(1).shuffle(bad)
    events, expected = [], []
    for number, (_, one, field, reason) in enumerate(bad):
        expected.append((len(events), field, reason))
        events += [one, text(f"good-{number}")]
    with running(tmp_path) as (client, _):
        body = bulk(client, *events).json()
    assert [(one["index"], one["field"], one["reason"]) for one in body["rejected"]] == expected
    assert body["accepted"] == len(bad)
    assert [row["event_id"] for row in landed(tmp_path)] == [f"good-{number}" for number in range(len(bad))]


@pytest.mark.parametrize("kind", JSON, ids=lambda kind: kind[0])
def test_a_single_event_is_refused_with_its_field(
    client: Any, kind: tuple[str, bytes, str | None, str]
) -> None:
    _, bad, field, reason = kind
    answer = client.post("/events", content=bad, headers={"Authorization": "Bearer acme-token"})
    assert answer.status_code == 422, answer.text
    assert {"field": field, "reason": reason} in answer.json()["rejected"]


@pytest.mark.parametrize("kind", NOT_JSON, ids=lambda kind: kind[0])
def test_a_single_event_that_is_no_json_is_400(client: Any, kind: tuple[str, bytes, str | None, str]) -> None:
    answer = client.post("/events", content=kind[1], headers={"Authorization": "Bearer acme-token"})
    is_grammar = "surrogate" in kind[0] and "UTF-8" not in kind[0] or "levels" in kind[0]
    assert answer.status_code == (422 if is_grammar else 400), answer.text
    assert (
        "truncated" not in answer.json()["error"]
        and "too early" not in answer.json()["error"]
        or ("open" in kind[0] or "half" in kind[0])
    )


def test_a_tenant_in_a_field_that_stands_twice_is_never_another_s(client: Any) -> None:
    twice = text("x", tenant_id="acme")[:-1] + b', "tenant_id": "beta"}'
    other = text("x", tenant_id="beta")[:-1] + b', "tenant_id": "acme"}'
    body = bulk(client, twice, other, text("good")).json()
    assert [one["reason"] for one in body["rejected"]] == ["duplicate_field", "duplicate_field"]
    assert body["accepted"] == 1


def test_values_that_look_like_names_are_no_repetition(tmp_path: Path) -> None:
    events = [
        text("a", source="event_id", event_type="timestamp", payload={"event_id": {"source": ["payload"]}}),
        text("b", payload={"timestamp": 1, "event\\u005fid": "\\u0041"}),
        text("c", tenant_id=None, payload={"source": 1, "tenant_id": "beta"}),
    ]
    with running(tmp_path) as (client, _):
        assert bulk(client, *events).json() == {"ok": True, "accepted": 3, "rejected": []}
    assert [row["event_id"] for row in landed(tmp_path)] == ["a", "b", "c"]


def test_unknown_fields_are_kept_as_a_broker_s_message_keeps_them(tmp_path: Path) -> None:
    more = b'"colour": "r\\u00e9d, \\"dark\\"", "n": 1.50e1, "deep": {"b": [1, 2 ]}, "is": true, "gone": null, " Size ": "XL"'
    events = [
        text("plain"),
        b'{"event_id":"odd", ' + more + b', "source":"web","event_type":"click","timestamp":1768473000}',
        text("late", shade="x\r\ny"),
    ]
    with running(tmp_path) as (client, _):
        assert bulk(client, *events).json()["accepted"] == 3
    plain, odd, late = landed(tmp_path)
    assert {name: odd[name] for name in list(odd)[7:]} == {
        "colour": 'réd, "dark"',
        "n": "1.50e1",
        "deep": '{"b": [1, 2 ]}',
        "is": "true",
        "Size": "XL",
        "shade": "",
    }
    assert (odd["event_id"], odd["timestamp"], odd["tenant_id"]) == ("odd", "1768473000", "acme")
    assert (late["shade"], late["colour"], plain["shade"]) == ("x\r\ny", "", "")
    assert plain["payload"] == '{"amount": "12.50"}'


def test_a_known_field_is_found_by_its_letters_and_digits(tmp_path: Path) -> None:
    event = {
        "Event-ID": "e1",
        "SOURCE": "web",
        "eventType": "click",
        "Timestamp": 1768473000,
        "event id": "other",
    }
    with running(tmp_path) as (client, _):
        assert bulk(client, json.dumps(event).encode(), text("e2", EventId="more")).json()["accepted"] == 2
    first, second = landed(tmp_path)
    assert (first["event_id"], first["source"], first["event id"]) == ("e1", "web", "other")
    assert (second["event_id"], second["EventId"]) == ("e2", "more")


def test_names_that_cannot_stand_in_a_header_share_a_column(tmp_path: Path) -> None:
    many = {f"k{number}": number for number in range(MOST_COLUMNS + 20)}
    odd = {
        "x" * 50_000: "long",
        "a\0b": "nul",
        "a\nb": "line",
        "_topic": "forged",
        "nul": "a\0b",
        "more_fields": "own",
    }
    with running(tmp_path) as (client, _):
        assert bulk(client, text("odd", **odd), text("many", **many)).json()["accepted"] == 2
    first, second = landed(tmp_path)
    assert json.loads(first["more_fields"]) == {
        "x" * 50_000: "long", "a\0b": "nul", "a\nb": "line", "nul": "a\0b", "more_fields": "own",
    }  # fmt: skip
    assert "_topic" not in first and first["message_topic"] == "forged"
    assert max(map(len, first)) < 100
    assert second["k50"] == "50"
    assert json.loads(second["more_fields"])[f"k{MOST_COLUMNS + 19}"] == str(MOST_COLUMNS + 19)


def test_a_byte_order_mark_is_no_part_of_a_body(client: Any) -> None:
    for path, body in (("/events", text("e1")), ("/events/bulk", b'{"events": [' + text("e1") + b"]}")):
        answer = client.post(
            path, content=b"\xef\xbb\xbf" + body, headers={"Authorization": "Bearer acme-token"}
        )
        assert answer.json()["accepted"] == 1


@pytest.mark.parametrize(
    "event",
    [b'{"a":"', b'{"a":[0,{"event_id":', b'{"event_id":"b"},{', b'{"x":[1', b'{"x":["' + b"y" * 1_500 + b'"', b'"', b"[", b"{"],
)  # fmt: skip
def test_no_body_is_looked_at_for_long(event: bytes) -> None:
    began = time.process_time()
    filler = b',{"event_id":"b"},'
    body = b'{"events":[' + (event + filler) * (MAX_BODY_BYTES // (len(event) + len(filler)) - 1) + b"]}"
    with contextlib.suppress(TooManyEventsError):
        decode_bulk(body)
    assert time.process_time() - began < 20


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
FIELD = st.sampled_from(
    ["event_id", "tenant_id", "source", "event_type", "timestamp", "schema_version", "payload", "x"]
)
ODD_EVENT = st.one_of(
    ANYTHING.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.dictionaries(FIELD, ANYTHING).map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.tuples(FIELD, st.binary(max_size=20)).map(lambda pair: changed(*pair)),
    st.tuples(st.integers(0, 120), st.binary(max_size=3)).map(lambda cut: text("x")[: cut[0]] + cut[1] + text("x")[cut[0] :]),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200) | ODD_EVENT)
@example(b'{"events":[' + b"[" * 5_000 + b"]}")
@example(b'{"events":[,]}')
def test_any_body_is_decoded_or_refused(body: bytes) -> None:
    """Nothing else is raised, and every decoded thing is an event or a fault that can be told."""
    for decode in (decode_event, decode_bulk):
        try:
            found = decode(body)
        except (MalformedError, ShapeError, TooManyEventsError) as error:
            assert str(error)
            continue
        for one in found if isinstance(found, list) else [found]:
            assert isinstance(one, WireEvent | Fault)
            if isinstance(one, Fault):
                json.dumps([one.reason, one.field, one.message]).encode()


@settings(max_examples=400, deadline=None)
@given(st.lists(ODD_EVENT, min_size=1, max_size=3), st.integers(1, 3))
def test_good_events_before_an_odd_one_are_kept(odd: list[bytes], good: int) -> None:
    body = b'{"events":[' + b",".join([*[text(f"good-{n}") for n in range(good)], *odd]) + b"]}"
    found = decode_bulk(body)
    assert [event.event_id for event in found[:good] if isinstance(event, WireEvent)] == [
        f"good-{n}" for n in range(good)
    ]
    assert len(found) > good


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(NAMES, TEXT, max_size=4), min_size=1, max_size=5))
def test_every_unknown_field_comes_back(extras: list[dict[str, str]]) -> None:
    kept = [{f"x{name}": value for name, value in extra.items()} for extra in extras]
    events = [text(f"e{number}", **more) for number, more in enumerate(kept)]
    verdict = judge(decode_bulk(b'{"events":[' + b",".join(events) + b"]}"), "acme")
    assert not verdict.rejected
    file = b"".join(file_chunks([row.encode() for row in verdict.rows])).decode()
    for more, row in zip(kept, csv.DictReader(io.StringIO(file, newline="")), strict=True):
        rest = json.loads(row.get("more_fields") or "{}")
        shown = {name.lower(): value for name, value in row.items()}
        for name, value in more.items():
            assert value in (rest.get(name), shown.get(name.strip().lower())), (name, value, row)

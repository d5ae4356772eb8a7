"""The same event as a file, from a broker and over HTTP: what the feed does not know is kept alike, and one odd event
costs no other."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.harness import DataHome

from sluice.ingest.events import judge
from sluice.ingest.rows import file_chunks
from sluice.ingest.wire import decode_bulk
from sluice.streams.feeds import feed_named
from sluice.streams.names import Place
from sluice.streams.rows import Encoder, Message

DAY = "ingest_date=2026-01-15"


def event(name: str, **more: Any) -> dict[str, Any]:
    known = {"event_id": name, "tenant_id": "acme", "source": "web", "event_type": "click"}
    return {**known, "timestamp": "2026-01-15T10:30:00Z", **more}


ODD = {"k" * 2_000: "long", "a\0b": "nul", "a\nb": "line"}
MORE: dict[str, dict[str, Any]] = {
    "plain": {},
    "more": {"colour": "red", "Size (cm)": 5, "deep": {"a": [1, 2]}, "is": True},
    "odd": {"colour": "blue", **ODD},
}


def from_a_broker(*values: bytes | None) -> bytes:
    messages = [
        Message((number,), value, b"the key", None, 1_768_473_000_000) for number, value in enumerate(values)
    ]
    return Encoder(feed_named("tenant_events"), "json").encode(Place("kafka", "events", 0), messages)[0]


def over_http(*events: dict[str, Any]) -> bytes:
    verdict = judge(decode_bulk(json.dumps({"events": events}).encode()), "acme")
    assert not verdict.rejected
    return b"".join(file_chunks([row.encode() for row in verdict.rows]))


def as_a_file(*events: dict[str, Any]) -> str:
    names = list(dict.fromkeys(name for one in events for name in one))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _csv(value) for name, value in one.items()} for one in events)
    return text.getvalue()


def _csv(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.slow
def test_what_the_feed_does_not_know_is_kept_alike(tmp_path: Path) -> None:
    home = DataHome(tmp_path / "home")
    home.clear()
    bodies = [json.dumps(event(f"b-{name}", **more)).encode() for name, more in MORE.items()]
    framed = b"\0\0\0\0\x07"
    home.write(
        f"tenant_events/{DAY}/events-0-{0:020d}-{6:020d}.csv",
        from_a_broker(
            *bodies, None, framed + bodies[0].replace(b"b-plain", b"b-framed"), framed + b"\x02ab", b"\xff"
        ),
    )
    home.write(
        f"tenant_events/{DAY}/ingest-x.csv",
        over_http(*(event(f"h-{name}", **more) for name, more in MORE.items())),
    )
    home.write(
        f"tenant_events/{DAY}/a.csv",
        as_a_file(*(event(f"f-{name}", **MORE[name]) for name in ("plain", "more"))),
    )
    home.build()

    assert {row[0] for row in home.query("select status from file_loads")} == {"loaded"}
    kept = {
        name: {key: value for key, value in json.loads(extra).items() if value is not None and key[0] != "_"}
        for name, extra in home.query("select event_id, _extra from stg_landing__tenant_events")
        if name and extra
    }
    for way in ("b", "h", "f"):
        assert kept.get(f"{way}-plain", {}) == {}
        found = dict(kept[f"{way}-more"])
        assert json.loads(found.pop("deep")) == {"a": [1, 2]}
        assert found == {"colour": "red", "Size (cm)": "5", "is": "true"}, way
    for way in ("b", "h"):
        assert kept[f"{way}-odd"]["colour"] == "blue"
        assert json.loads(kept[f"{way}-odd"]["more_fields"]) == ODD
    assert "b-framed" in {row[0] for row in home.query("select event_id from tenant_events")}

    rejected = sorted(home.query("select reject_reasons, raw_record from quarantine"), key=str)
    reasons = [list(reasons) if isinstance(reasons, list) else json.loads(reasons) for reasons, _ in rejected]
    assert sorted(reasons) == [["tombstone_message"], ["undecodable_message"], ["undecodable_message"]]
    texts = [raw for _, raw in rejected]
    assert any("schema 7" in raw and "Avro or Protobuf" in raw for raw in texts)
    assert any("the key" in raw for raw in texts), "the tombstone's key"

"""Landing files as messages: whatever they look like, their records come out by name."""

import gzip
import itertools
import json
from pathlib import Path

import pytest

from sluice.generate import generate
from sluice.streams.feeds import feed_named
from sluice.streams.replay import landing_files, replayed

ORDERS = feed_named("orders")


def messages(*paths: Path, value_format: str = "json") -> list[tuple[str, bytes]]:
    return list(replayed(landing_files(paths), ORDERS, value_format, repeat=False))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiter_and_encoding_are_found(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = ["status|Order_ID|_offset", '"p|aid"|o1|7', "", "fäiled|o2|8"]
    text = "\r\n".join(row.replace("|", delimiter) for row in rows)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode(encoding)))
    assert [(key, json.loads(value)) for key, value in messages(tmp_path)] == [
        ("o1", {"Order_ID": "o1", "status": f"p{delimiter}aid"}),
        ("o2", {"Order_ID": "o2", "status": "fäiled"}),
    ]
    assert [value for _, value in messages(tmp_path, value_format="csv")] == [
        b'o1,,,,,"p,aid"' if delimiter == "," else f"o1,,,,,p{delimiter}aid".encode(),
        "o2,,,,,fäiled".encode(),
    ]


def test_short_and_long_records_keep_what_they_have(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("order_id,status\no1\no2,paid,more,fields\n")
    assert [json.loads(value) for _, value in messages(tmp_path)] == [
        {"order_id": "o1"},
        {"order_id": "o2", "status": "paid", "surplus_fields": ["more", "fields"]},
    ]


def test_files_of_folders_in_order_over_and_over(tmp_path: Path) -> None:
    for name in ("b/2.csv", "a/1.csv", "a/_hidden.csv", "_offsets/3.csv", "a/4.csv.part"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"order_id\n{name}\n")
    keys = [key for key, _ in itertools.islice(replayed(landing_files([tmp_path]), ORDERS, "json", True), 5)]
    assert keys == ["a/1.csv", "b/2.csv", "a/1.csv", "b/2.csv", "a/1.csv"]
    with pytest.raises(ValueError, match="nowhere: there is no such file"):
        landing_files([tmp_path / "nowhere"])


def test_every_record_of_generated_files_is_sent(tmp_path: Path) -> None:
    summary = generate(600, 3, 5, tmp_path, ["orders"], structural_faults=False)
    sent = messages(tmp_path / "landing" / "orders")
    assert len(sent) == summary.feeds["orders"].rows
    known = {*ORDERS.columns, *ORDERS.aliases}
    assert all(known & {name.lower() for name in json.loads(value)} for _, value in sent)

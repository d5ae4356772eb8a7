"""Reads landing files the slow, careful way, and chooses the best record of each key as the contract says."""

import csv
import datetime as dt
import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluice.generate.feeds import FEEDS

from .contract_values import clean_text
from .judge import Judge, Judged

DELIMITERS = ",;\t|"
csv.field_size_limit(4_000_000)


def content(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


def text_of(path: Path) -> str:
    raw = content(path)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16")
    return raw.decode("utf-8-sig", errors="surrogateescape")


def delimiter_of(header: str, columns: tuple[str, ...]) -> str:
    return max(DELIMITERS, key=lambda d: sum(name.strip().lower() in columns for name in header.split(d)))


@dataclass
class Record:
    """One record of a file: its trimmed texts by column, or the structural fault it stands alone with."""

    file: str
    number: int
    texts: dict[str, str | None]
    fault: str | None = None
    judged: Judged | None = None


def records_of(landing: Path, path: Path, feed: str) -> list[Record]:
    """The records of a file. A quoted field that does not close, or that swallows a line which is a record of
    its own, costs its own line only."""
    name = path.relative_to(landing).as_posix()
    columns = FEEDS[feed].columns
    lines = re.findall(r"[^\n]*\n|[^\n]+$", text_of(path))
    delimiter = delimiter_of(lines[0], columns)
    header = [field.strip().lower() for field in lines[0].strip("\r\n").split(delimiter)]
    records, at = [], 1
    while at < len(lines):
        if not lines[at].strip("\r\n"):
            at += 1
            continue
        taken, fields = _record_at(lines, at, delimiter, len(header))
        record = Record(name, len(records) + 1, {})
        line = "".join(lines[at : at + taken])
        if any("\udc80" <= c <= "\udcff" for c in line):
            record.fault = "invalid_encoding"
        elif len(line) > 1 << 20:
            record.fault = "line_too_long"
        elif fields is None:
            record.fault = "unterminated_quote"
        elif len(fields) != len(header):
            record.fault = "too_few_columns" if len(fields) < len(header) else "too_many_columns"
        else:
            for column, value in zip(header, fields, strict=True):
                if column in columns and column not in record.texts:
                    record.texts[column] = clean_text(value)
            record.texts = {column: record.texts.get(column) for column in columns}
        records.append(record)
        at += taken
    return records


def _record_at(lines: list[str], at: int, delimiter: str, width: int) -> tuple[int, list[str] | None]:
    """How many lines the record takes, and its fields (None: a quote never closes)."""
    text = lines[at]
    taken = 1
    while True:
        fields = _split(text, delimiter)
        if fields is not None:
            return taken, fields
        following = lines[at + taken] if at + taken < len(lines) else None
        if following is None or ('"' not in following and following.count(delimiter) == width - 1):
            return 1, None
        text += following
        taken += 1


def _split(text: str, delimiter: str) -> list[str] | None:
    """The fields of a whole record, None while a quote is open."""
    fields = next(csv.reader([text.rstrip("\r\n") + "\n"], delimiter=delimiter), [])
    opened = re.sub(r'""', "", text).count('"')
    return fields if opened % 2 == 0 else None


def best_of(feed: str, records: list[Record]) -> Record:
    """The best of the accepted records of one key."""

    def present(record: Record, *columns: str) -> list[int]:
        return [int(record.judged.values[column] is None) for column in columns]

    def latest(record: Record, column: str) -> float:
        moment = record.judged.values[column]
        return -(moment - dt.datetime(1970, 1, 1)).total_seconds() if moment else 0.0

    def order(record: Record) -> Any:
        first = {
            "service_events": lambda: [
                sum(present(record, "latency_ms", "status_code", "user_id")),
                latest(record, "event_at"),
            ],
            "customers": lambda: [*present(record, "email", "created_at"), latest(record, "created_at")],
            "product_events": lambda: [
                *present(record, "event_type", "platform", "session_id", "duration_ms"),
                latest(record, "event_at"),
            ],
            "orders": lambda: [*present(record, "currency"), latest(record, "ordered_at")],
            "tenant_events": lambda: [record.file.encode(), -latest(record, "event_at")],
            "transactions": lambda: [
                sum(present(record, "description", "merchant", "operation_type")),
                latest(record, "transacted_at"),
            ],
        }[feed]()
        digest = hashlib.md5(
            "\x1f".join("\\x00" if t is None else t for t in record.texts.values()).encode()
        ).hexdigest()
        return (*first, record.file.encode(), digest, record.number)

    return min(records, key=order)


def judged_landing(landing: Path, feed: str, judge: Judge) -> list[Record]:
    """Every record of the feed, judged."""
    records = []
    for path in sorted((landing / feed).rglob("*.csv*")):
        for record in records_of(landing, path, feed):
            record.judged = Judged([record.fault]) if record.fault else judge.judge(feed, record.texts)
            records.append(record)
    return records

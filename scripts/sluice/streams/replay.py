"""Landing files as messages: any delimiter and encoding that landing files may have."""

import csv
import gzip
import io
import itertools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from sluice.further_columns import PROVENANCE, TOMBSTONE, UNDECODABLE_BECAUSE
from sluice.streams.feeds import Feed

_DELIMITERS = ",;\t|"
_SUFFIXES = (".csv", ".csv.gz")
_SURPLUS = "surplus_fields"
csv.field_size_limit(sys.maxsize)


def landing_files(paths: Iterable[Path]) -> list[Path]:
    """The files among these and in these folders, in the order of their names; hidden ones are none. Raises
    ValueError for a path without a file."""
    found: list[Path] = []
    for path in paths:
        inside = [
            each
            for each in sorted(path.rglob("*"))
            if each.name.endswith(_SUFFIXES)
            and not any(part[0] in "._" for part in each.relative_to(path).parts)
        ]
        files = [path] if path.is_file() else inside
        if not files:
            raise ValueError(f"--from {path}: there is no such file, and no .csv or .csv.gz in such a folder")
        found += files
    return found


def replayed(files: list[Path], feed: Feed, value_format: str, repeat: bool) -> Iterator[tuple[str, bytes]]:
    """(key, value) of each record of the files, over and over with `repeat`; the key is the feed's first column.
    Provenance stays behind. Raises ValueError for a file without a header."""
    for _ in itertools.repeat(None) if repeat else [None]:
        for path in files:
            with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as raw:
                yield from _records(path, cast(BinaryIO, raw), feed, value_format)


def _records(path: Path, raw: BinaryIO, feed: Feed, value_format: str) -> Iterator[tuple[str, bytes]]:
    start = raw.read(2)
    raw.seek(0)
    encoding = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = io.TextIOWrapper(raw, encoding, errors="replace", newline="")
    first = text.readline()
    known = {name.lower() for name in (*feed.columns, *feed.aliases)}
    delimiter = max(_DELIMITERS, key=lambda each: len(known & {name.lower() for name in _names(first, each)}))
    header = _names(first, delimiter)
    if not any(header):
        raise ValueError(f"{path} has no header")
    lower = [name.lower() for name in header]
    columns = [lower.index(name.lower()) if name.lower() in lower else len(header) for name in feed.columns]
    key = columns[0]
    kept = [
        (index, name)
        for index, name in enumerate(header)
        if name not in (*PROVENANCE, TOMBSTONE, UNDECODABLE_BECAUSE)
    ]
    for row in csv.reader(text, delimiter=delimiter):
        if not row:
            continue
        if value_format == "csv":
            fields = [*row[: len(header)], *[""] * (len(header) - len(row)), ""]
            value = csv_line(fields[index] for index in columns)
        else:
            record: dict[str, object] = {name: row[index] for index, name in kept if index < len(row)}
            if len(row) > len(header):
                record[_SURPLUS] = row[len(header) :]
            value = orjson.dumps(record)
        yield row[key] if key < min(len(header), len(row)) else "", value


def _names(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]


def csv_line(fields: Iterable[str]) -> bytes:
    """One CSV record without its line end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue().encode()

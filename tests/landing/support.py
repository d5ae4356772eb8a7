"""Inspect bytes and read back what came of it, the way the project does."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from sluice.landing.feed import FeedFormat, Limits, Options
from sluice.landing.inspect import FilePart, Inspection, inspect_file

Row = list[str]
Record = tuple[dict[str, str], int]
"""Values by column or label, without empty ones, and the line."""


def feed_of(columns: Sequence[str], key: Sequence[str] | None = None, **options: object) -> FeedFormat:
    """A feed whose columns have no other names; the key is the first column unless given."""
    limits = {name: options.pop(name) for name in list(options) if name.startswith("max_")}
    return FeedFormat(
        columns={column: (column,) for column in columns},
        key=tuple(columns[:1] if key is None else key),
        options=Options(**options),  # type: ignore[arg-type]
        limits=Limits(**limits),  # type: ignore[arg-type]
    )


def write(folder: Path, data: bytes, name: str = "file.csv") -> str:
    """Write a landing file; its path."""
    path = folder / name
    path.write_bytes(data)
    return str(path)


def inspect_bytes(folder: Path, data: bytes, feed: FeedFormat, name: str = "file.csv") -> Inspection:
    """Inspect a file of these bytes, with a work folder beside it."""
    return inspect_file(write(folder, data, name), feed, folder / "work")


def read_part(part: FilePart, connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The records of one part, as DuckDB reads them; null and empty are the same here."""
    columns = {f"c{number}": "VARCHAR" for number in range(len(part.columns))}
    rows = connection.execute(
        "select * from read_csv(?, auto_detect=false, header=?, delim=?, quote='\"', escape='\"', new_line=?,"
        f" columns={columns}, parallel=?)",  # strict_mode=true, if written out, loses all of a CRLF file
        [
            part.read_path,
            part.has_header,
            part.delimiter,
            {"\n": "\\n", "\r\n": "\\r\\n"}[part.newline],
            not part.quoted_newlines,
        ],
    ).fetchall()
    assert len(rows) == part.record_count, f"{rows} of {Path(part.read_path).read_bytes()!r}, {part}"
    return [[value or "" for value in row] for row in rows]


def read_rows(found: Inspection, connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The good records of a file under one header."""
    assert found.error is None, found.error
    (part,) = found.parts
    rows = read_part(part, connection)
    assert len(rows) == (found.records_read or 0) - found.fault_count
    return rows


def read_records(found: Inspection, connection: duckdb.DuckDBPyConnection) -> list[Record]:
    """The good records of all parts with their lines, in the order of the file."""
    assert found.error is None, found.error
    runs = pq.read_table(found.lines_path).to_pylist() if found.lines_path else []
    runs = [run for run in runs if run["number"] == found.number]
    records = []
    for number, part in enumerate(found.parts):
        lines = [part.first_line + k for k in range(part.record_count)]
        for run in (run for run in runs if run["part"] == number):
            lines[run["ordinal"] :] = [run["line"] + k for k in range(part.record_count - run["ordinal"])]
        keys = [column or label or "" for column, label in zip(part.columns, part.extra, strict=True)]
        assert len(set(keys)) == len(keys)
        for row, line in zip(read_part(part, connection), lines, strict=True):
            records.append(({key: value for key, value in zip(keys, row, strict=True) if value}, line))
    assert len(records) == (found.records_read or 0) - found.fault_count
    return sorted(records, key=lambda record: record[1])


def read_faults(found: Inspection) -> list[tuple[str, str]]:
    """The faults as (reason, raw text)."""
    return [(reason, raw) for reason, raw, _ in read_fault_lines(found)]


def read_fault_lines(found: Inspection) -> list[tuple[str, str, int]]:
    """The faults as (reason, raw text, line)."""
    if found.faults_path is None:
        assert found.fault_count == 0
        return []
    rows = [row for row in pq.read_table(found.faults_path).to_pylist() if row["number"] == found.number]
    assert len(rows) == found.fault_count
    return [(row["reason"], row["raw_record"], row["line"]) for row in rows]

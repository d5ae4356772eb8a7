"""Inspect bytes and read back what came of it, the way the project does."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from sluice.landing.inspect import Inspection, inspect_file

Row = list[str]


def write(folder: Path, data: bytes, name: str = "file.csv") -> str:
    """Write a landing file; its path."""
    path = folder / name
    path.write_bytes(data)
    return str(path)


def inspect_bytes(folder: Path, data: bytes, known: list[str], name: str = "file.csv") -> Inspection:
    """Inspect a file of these bytes, with a work folder beside it."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    return inspect_file(write(folder, data, name), known, work)


def read_rows(found: Inspection, connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The good records, as DuckDB reads them; null and empty are the same here."""
    assert found.error is None, found.error
    columns = {f"c{number}": "VARCHAR" for number in range(len(found.header))}
    rows = connection.execute(
        "select * from read_csv(?, auto_detect=false, header=?, delim=?, quote='\"', escape='\"', new_line=?,"
        f" columns={columns}, parallel=?)",  # strict_mode=true, if written out, loses all of a CRLF file
        [
            found.read_path,
            found.has_header,
            found.delimiter,
            {"\n": "\\n", "\r\n": "\\r\\n"}[found.newline or ""],
            not found.quoted_newlines,
        ],
    ).fetchall()
    assert len(rows) == (found.records_read or 0) - found.fault_count, (
        f"{rows} of {Path(found.read_path or '').read_bytes()!r}, {found}"
    )
    return [[value or "" for value in row] for row in rows]


def read_faults(found: Inspection) -> list[tuple[str, str]]:
    """The faults as (reason, raw text)."""
    if found.faults_path is None:
        assert found.fault_count == 0
        return []
    table = pq.read_table(found.faults_path)
    assert table.num_rows == found.fault_count
    return list(zip(table["reason"].to_pylist(), table["raw_record"].to_pylist(), strict=True))

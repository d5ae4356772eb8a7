"""The reader as it is called from SQL."""

import json
import os
from pathlib import Path

import duckdb
import pytest

from sluice.landing.sql_functions import register_landing_functions

FEED = json.dumps({"feed": "orders", "columns": {"id": ["id", "order_id"], "name": ["name"]}, "key": ["id"]})


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> duckdb.DuckDBPyConnection:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    connection = duckdb.connect()
    register_landing_functions(connection)
    return connection


def test_one_inspection_per_path_in_order(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    (tmp_path / "a.csv").write_bytes(b"order_id;more\n1;x\n2\n")
    (tmp_path / "b.csv").write_bytes(b"jane@example.org,5\n")
    os.utime(tmp_path / "b.csv", ns=(0, 9_300_000_000 * 10**9))
    paths = [str(tmp_path / name) for name in ("a.csv", "b.csv", "gone.csv")]
    call = "select unnest(sluice_inspect(?, ?, ?), recursive := false) as found"
    first, second, third = (row[0] for row in connection.execute(call, [paths, [None] * 3, FEED]).fetchall())
    (part,) = first["parts"]
    assert (first["delimiter"], first["records_read"], first["fault_count"]) == (";", 2, 1)
    assert (part["columns"], part["extra"], part["record_count"]) == (["id", None], [None, "more"], 1)
    assert connection.execute("select line from read_parquet(?)", [first["faults_path"]]).fetchall() == [(3,)]
    assert (
        "jane" not in second["error"]
        and "jane" in second["error_detail"]
        and second["modified_ns"] == 2**63 - 1
    )
    assert third["retry"] and third["parts"] == []
    again = connection.execute(call, [paths[:1], [first["content_hash"]], FEED]).fetchall()[0][0]
    assert again["is_unchanged"] and again["records_read"] is None


def test_the_work_folder_is_cleared_of_copies_and_links(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    (tmp_path / "a[1].csv").write_bytes(b"id,name\n1,x\n")
    (tmp_path / "b.csv").write_bytes(b"id,name\n1,x\n2\n")
    paths = [str(tmp_path / "a[1].csv"), str(tmp_path / "b.csv")]
    connection.execute("select sluice_inspect(?, [null, null], ?)", [paths, FEED]).fetchall()
    (tmp_path / "a[1].csv").unlink()
    work = next(path for path in tmp_path.rglob("*") if path.is_symlink()).parent
    assert connection.execute("select sluice_clear_work()").fetchall() == [(3,)]
    assert not list(work.iterdir())

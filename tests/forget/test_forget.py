"""Somebody is forgotten: their bytes are nowhere, the counts say so, and an old copy that comes back changes nothing."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet
from tests.pipeline.harness import PROJECT, UNKNOWN_AFTER_ERASURE, DataHome

from sluice.archive.__main__ import main as archive

HEADER = "event_id,service,event_type,timestamp,latency_ms,status_code,user_id\n"
PERSON = "zebra-0815"
FILES = {
    "2026-01-01/plain.csv": f"e1,cart,request,2026-01-01T10:00:00Z,5,200,{PERSON}\n"
    "e1,cart,request,2026-01-01T10:01:00Z,,200,u1\ne2,cart,request,2026-01-01T10:00:00Z,9,500,u1\n",
    "2026-01-01/rejected.csv": f"e3,cart,request,soon,x,200, {PERSON} \ne4,cart,request,never,1,200,u1\n{PERSON},too short\n",
    "2026-01-02/packed.csv.gz": f"e5,cart,request,2026-01-02,fast,200,{PERSON}\ne6,cart,request,2026-01-02,1,200,u2\n",
    "2026-01-03/archived.csv": f"e7,auth,request,2026-01-03,1,200,{PERSON}\ne8,auth,request,2026-01-03,1,200,u2\n",
    "2026-01-04/gone.csv": f"e9,auth,request,2026-01-04,1,200,{PERSON}\ne0,auth,request,2026-01-04,1,200,u3\n",
}
"""Of the 12 records 6 are the person's: clean ones, a repaired one, one that wins over a rival, and rejected ones."""


def write(home: DataHome, names: list[str], modified: float) -> None:
    for name in names:
        text = (HEADER + FILES[name]).encode()
        content = gzip.compress(text) if name.endswith(".gz") else text
        home.write(f"service_events/ingest_date={name}", content, modified=modified)


def places(home: DataHome, value: str) -> list[str]:
    """Files that hold the value, packed or not; dbt's own log and artifacts are not among them."""
    found = []
    for path in home.root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            packed = repr(parquet.read_table(path).to_pylist()) if path.suffix == ".parquet" else ""
            if value.encode() in data or value in packed:
                found.append(str(path.relative_to(home.root)))
    for schema, table in home.query(
        "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
    ):
        if home.query(
            f"select 1 from {schema}.{table} as row where contains(cast(row as varchar), '{value}') limit 1"
        ):
            found.append(f"{schema}.{table}")
    return sorted(found)


def forget(home: DataHome, tmp_path: Path) -> subprocess.CompletedProcess:
    """As people do it: the command ends with the build that carries it out."""
    variables = {"DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_LOG_PATH": str(tmp_path / "logs")}
    arguments = f"{{feed: service_events, column: user_id, value: {PERSON}}}"
    command = [
        sys.executable,
        "-m",
        "dbt.cli.main",
        "--quiet",
        "run-operation",
        "forget",
        "--args",
        arguments,
    ]
    return subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, **variables, "SLUICE_PII_KEY": "test key"},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_a_person_is_forgotten_everywhere_and_stays_so(home: DataHome, tmp_path: Path) -> None:
    write(home, list(FILES), modified=1e9)
    home.build()
    assert archive(["--older-than", "0", "--feed", "service_events"]) == 0
    write(home, [name for name in FILES if not name.startswith(("2026-01-03", "2026-01-04"))], modified=1e9)
    for path in home.root.glob("archive/service_events/ingest_date=2026-01-0[124]/*"):
        path.unlink()
    home.build()
    states = dict(
        home.query("select parse_filename(file), status from file_loads where records_read is not null")
    )
    assert states["archived.csv"] == states["gone.csv"] == "archived" and states["plain.csv"] == "loaded"
    assert "published/operations.db" in places(home, PERSON)
    before = {row[0]: row for row in home.published()["service_metrics_per_day"]}

    done = forget(home, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert places(home, PERSON) == []
    counts = {
        name: tuple(rest)
        for name, *rest in home.query(
            "select parse_filename(file), records_read, clean_count, duplicate_count, quarantined_count, forgotten_count"
            " from file_loads where records_read is not null"
        )
    }
    assert counts == {
        "plain.csv": (3, 2, 0, 0, 1),
        "rejected.csv": (3, 0, 0, 1, 2),
        "packed.csv.gz": (2, 1, 0, 0, 1),
        "archived.csv": (2, 1, 0, 0, 1),
        "gone.csv": (2, 1, 0, 0, 1),
    }
    assert {row[0]: row for row in home.published()["service_metrics_per_day"]} != before
    found = home.everything(UNKNOWN_AFTER_ERASURE)
    assert sorted(row[0] for row in found["service_events"]) == ["e0", "e1", "e2", "e6", "e8"]

    write(home, ["2026-01-01/plain.csv", "2026-01-04/gone.csv"], modified=1e9 + 60)
    home.build()
    again = home.everything(UNKNOWN_AFTER_ERASURE)
    assert again["service_events"] == found["service_events"] and again["quarantine"] == found["quarantine"]
    assert {
        row[-1] for row in home.query("select file, forgotten_count from file_loads where records_read = 3")
    } == {1, 2}
    home.build("--full-refresh")
    for name, rows in home.everything(UNKNOWN_AFTER_ERASURE).items():
        assert rows == again[name], name


@pytest.mark.slow
def test_who_asks_wrongly_is_told(home: DataHome, capfd: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        ("{feed: events, column: user_id, value: x}", "There is no feed 'events'; the feeds are "),
        (
            "{feed: customers, column: name, value: x}",
            "cannot be found by 'name'; give one of customer_id, email",
        ),
        ("{feed: customers, column: email, value: '  '}", "The value is empty"),
    ):
        assert not home.dbt("run-operation", "forget", "--args", arguments, expect_success=False).success
        assert message in capfd.readouterr().out
    path = home.write(
        "customers/ingest_date=2026-01-01/a.csv.gz",
        gzip.compress(b"customer_id,email\nc1,jane@example.org\n" * 99)[:-20],
        modified=1e9,
    )
    arguments = "{feed: customers, column: email, value: Jane@example.org}"
    assert not home.dbt("run-operation", "forget", "--args", arguments, expect_success=False).success
    assert "a.csv.gz: The gzip data" in capfd.readouterr().out and path.exists()

"""The watcher's builds end in the tables of one build of everything; the process notices files and signals."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.pipeline.harness import PROJECT, DataHome, csv_text

from sluice.watch.builds import Builder

DELIVERIES: list[tuple[list[str], dict[str, str]]] = [
    (["orders"], {
        "orders/ingest_date=2026-01-01/a.csv": "order_id,customer_id,order_time,amount,currency,status\n"
        "o1,c1,2026-01-01T10:00:00Z,5,EUR,paid\no2,c2,2026-01-01T11:00:00Z,-1,EUR,paid\no1,c1,2026-01-01T10:00:00Z,5,,paid\n",
    }),
    (["customers", "service_events"], {
        "customers/ingest_date=2026-01-01/a.csv": "customer_id,email,country,created_at\nc1,a@b.c,FR,2026-01-01\n",
        "service_events/ingest_date=2026-01-01/a.csv": "event_id,service,event_type,timestamp,latency_ms\n"
        + "".join(f"e{n},cart,request,2026-01-01T10:{n:02}:00Z,{n}\n" for n in range(30)) + "e1,,request,soon,x\n",
    }),
    (["tenant_events"], {
        "tenant_events/ingest_date=2026-01-02/a.csv":
        "event_id,tenant_id,source,event_type,timestamp\ne1,acme,web,click,2026-01-02T10:00:00Z\ne2,ACME,web,click,never\n",
    }),
    (["product_events", "service_events"], {
        "product_events/ingest_date=2026-01-02/a.csv": "event_id,customer_id,event_type,event_time,duration_ms\n"
        "p1,c1,view,2026-01-02T10:00:00Z,5\np2,c2,view,2026-01-02T10:00:00Z,5\n",
        "service_events/ingest_date=2026-01-01/a.csv": "event_id,service,event_type,timestamp,latency_ms\n"
        + "".join(f"e{n},auth,request,2026-01-01T11:{n:02}:00Z,{n}\n" for n in range(20)),
    }),
    (["customers"], {"customers/ingest_date=2026-01-03/b.csv": "customer_id,country\nc2,UK\n"}),
]  # fmt: skip
"""Which feeds a build is about, and what has come: rewritten files, records that wait for customers, and their release."""


@pytest.mark.slow
def test_builds_of_feeds_end_in_the_tables_of_one_build(home: DataHome) -> None:
    builder = Builder()
    assert builder.whole().succeeded
    clock = 1e9
    for changed, files in DELIVERIES:
        for file, content in files.items():
            clock += 60
            home.write(file, content, modified=clock)
        build = builder.of_feeds(changed)
        assert build.succeeded and build.files == len(files), build.problems
        assert set(changed) <= set(build.touched)
        assert builder.last_run() == build.run_id
    found = home.everything()
    assert found["orders"] and found["hourly_events"] and found["quarantine"]

    home.build()
    assert home.everything() == found, "nothing was left to do"
    reports = sorted(path.parent.name for path in home.root.glob("reports/*/validation_report.json"))
    assert reports == [f"ingest_date=2026-01-0{day}" for day in (1, 2, 3)], "left to the whole build"
    assert list(home.root.glob("lake/clean/orders/*/*.parquet"))
    home.build("--full-refresh")
    assert home.everything() == found


@pytest.mark.slow
def test_a_build_of_feeds_publishes_no_other(home: DataHome) -> None:
    builder = Builder()
    assert builder.whole().succeeded
    home.write("orders/ingest_date=2026-01-01/a.csv", DELIVERIES[0][1]["orders/ingest_date=2026-01-01/a.csv"])
    home.write("customers/ingest_date=2026-01-01/a.csv", "customer_id\nc1\n")
    home.dbt("run")
    assert not home.published()["daily_metrics"]
    home.write(
        "transactions/ingest_date=2026-01-01/a.csv", "id,amount,timestamp,side\nt1,5,2026-01-01,debit\n"
    )
    assert builder.of_feeds(["transactions"]).succeeded
    assert [row[1] for row in home.published()["daily_metrics"]] == ["transactions"]
    assert builder.whole().succeeded
    assert {row[1] for row in home.published()["daily_metrics"]} == {"customers", "orders", "transactions"}


@pytest.mark.slow
def test_the_process_builds_what_arrives_and_stops_when_told(home: DataHome, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as err:
        command = [PROJECT / "scripts/watch", "--interval", "0"]
        watcher = subprocess.Popen(command, stderr=err, env={**os.environ, "SLUICE_ENV_FILE": ""})
    try:
        _wait_for(lambda: "everything: 0 files" in log.read_text(), log)
        for number in range(3):
            file = f"service_events/ingest_date=2026-01-0{number + 1}/a.csv"
            home.write(
                file,
                csv_text(
                    ["event_id", "service", "event_type", "timestamp"],
                    [[f"e{number}", "s", "t", "2026-01-01"]],
                ),
            )
            _wait_for(lambda expected=number + 1: _count(home) == expected, log)
        assert "service_events: 1 files, 1 records" in log.read_text()
        (home.root / "landing/nowhere").mkdir()
        home.write("nowhere/a.csv", "x\n")
        _wait_for(lambda: len(home.published("operations").get("file_loads", [])) == 4, log)
    finally:
        watcher.send_signal(signal.SIGTERM)
        assert watcher.wait(60) == 0
    assert log.read_text().splitlines()[-1].endswith(" stopped")


@pytest.mark.slow
def test_once_builds_and_its_exit_code_tells(home: DataHome) -> None:
    home.write("customers/ingest_date=2026-01-01/a.csv", "customer_id\nc1\n")
    environment = {**os.environ, "SLUICE_ENV_FILE": ""}
    once = [PROJECT / "scripts/watch", "--once"]
    done = subprocess.run(once, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "everything: 1 files, 1 records" in done.stderr, done.stderr
    with closing(sqlite3.connect(home.root / "published/sluice.db")) as db:
        db.execute("drop table customers")
        db.execute("create view customers as select 1 as x")
        db.commit()
    home.write("customers/ingest_date=2026-01-01/b.csv", "customer_id\nc2\n")
    done = subprocess.run(once, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "FAILED" in done.stderr, done.stderr


def _count(home: DataHome) -> int:
    try:
        return len(home.published().get("service_events", []))
    except sqlite3.Error:
        return -1


def _wait_for(true: Callable[[], bool], log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)

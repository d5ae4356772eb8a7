"""Where a value could survive its erasure: payloads, ledger, logs, a reader's old state, a killed archive, a killed erasure."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from tests.forget.test_forget import places
from tests.pipeline.harness import PROJECT, UNKNOWN_AFTER_ERASURE, DataHome, csv_text

from sluice.archive import move
from sluice.archive.__main__ import main as archive
from sluice.forget import rewrite

pytestmark = pytest.mark.slow  # many builds

PERSON = "zebra@example.org"
EVENTS = ["event_id", "service", "event_type", "timestamp", "user_id"]
TENANT_EVENTS = ["event_id", "tenant_id", "source", "event_type", "timestamp", "schema_version", "payload"]


def service_events(*users: str) -> str:
    rows = [[f"e{user}{n}", "cart", "get", "2026-01-01", user] for n, user in enumerate(users)]
    return csv_text(EVENTS, rows)


def forget(home: DataHome, feed: str, column: str, value: str = PERSON, expect_success: bool = True) -> None:
    """In this process, which does not end; so the build that carries it out is the caller's."""
    arguments = f"{{feed: {feed}, column: {column}, value: '{value}'}}"
    home.dbt("run-operation", "forget", "--args", arguments, expect_success=expect_success)


def counts(home: DataHome) -> list[tuple]:
    return home.query(
        "select parse_filename(file), records_read, clean_count, quarantined_count, forgotten_count from file_loads"
        " where records_read is not null order by 1"
    )


PAYLOADS = {
    "v1": '{"email":" zebra@example.org "}',
    "v2": '{"user":{"email":"zebra@example.org"}}',
    "v2_called_v1": '{"user":{"email":"zebra@example.org","id":1}}',
    "escaped": '{"email":"\\u007aebra@example.org"}',
    "list": '{"email":["x@y.z","zebra@example.org"]}',
    "other_shape": '{"user":["zebra@example.org"]}',
    "twice": '{"user":{"email":"x@y.z"},"user":{"email":"zebra@example.org"}}',
    "no_json": '{"email":"zebra@example.org"',
}
OTHERS = {
    "somebody": '{"email":"a.zebra@example.org"}',
    "elsewhere": '{"email":"x@y.z","product_name":"zebra"}',
    "escapes": '{"email":"x\\u0040y.z"}',
    "empty": "",
}


@pytest.mark.parametrize("name", ["user_email", "user.email"])
def test_somebody_is_named_inside_a_payload(home: DataHome, name: str) -> None:
    def deliver(modified: float) -> None:
        rows = [
            [key, "acme", "web", "get", "2026-01-01", 2 if key == "v2" else 1, payload]
            for key, payload in {**PAYLOADS, **OTHERS}.items()
        ]
        rows.append(["no_time", "acme", "web", "get", "soon", 1, PAYLOADS["v1"]])
        home.write("tenant_events/ingest_date=2026-01-01/a.csv", csv_text(TENANT_EVENTS, rows), modified)

    deliver(1e9)
    home.build()
    assert "published/tenants/acme.db" in places(home, PERSON)
    forget(home, "tenant_events", name)
    home.build()
    kept = {row[0]: row[5] for row in home.published("tenants/acme")["events"]}
    assert kept == {key: payload or None for key, payload in OTHERS.items()}
    assert counts(home) == [("a.csv", len(PAYLOADS) + len(OTHERS) + 1, len(OTHERS), 0, len(PAYLOADS) + 1)]
    assert [place for place in places(home, "zebra@") if "landing" not in place] == [
        place for place in places(home, "a.zebra@") if "landing" not in place
    ]
    assert places(home, '"zebra@') == places(home, "\\u007aebra") == []
    found = {
        **home.everything(UNKNOWN_AFTER_ERASURE),
        "file_loads": [],
    }  # there the size of the old copy is another one
    deliver(2e9)
    home.build()
    assert {**home.everything(UNKNOWN_AFTER_ERASURE), "file_loads": []} == found, (
        "they stay forgotten when an old copy comes back"
    )
    assert counts(home)[0][1:] == (len(PAYLOADS) + len(OTHERS) + 1, len(OTHERS), 0, len(PAYLOADS) + 1)
    home.build("--full-refresh")
    assert {**home.everything(UNKNOWN_AFTER_ERASURE), "file_loads": []} == found


def test_a_record_with_a_long_field(home: DataHome) -> None:
    rows = [
        ["e1", "cart", "get", "2026-01-01", PERSON, "x" * 300_000],
        ["e2", "cart", "get", "2026-01-01", "u", "y" * 300_000],
    ]
    home.write("service_events/ingest_date=2026-01-01/a.csv", csv_text([*EVENTS, "note"], rows), 1e9)
    home.build()
    forget(home, "service_events", "user_id")
    home.build()
    assert places(home, PERSON) == [] and counts(home) == [("a.csv", 2, 1, 0, 1)]


@pytest.mark.parametrize("built", [False, True], ids=["run again", "built, then run again"])
def test_a_killed_erasure_counts_everybody_in_the_end(
    home: DataHome, monkeypatch: pytest.MonkeyPatch, built: bool
) -> None:
    for number in range(4):
        content = service_events(PERSON, "u1", PERSON, f"u{number}", PERSON)
        home.write(f"service_events/ingest_date=2026-01-01/{number}.csv", content, 1e9)
    home.build()
    assert archive(["--older-than", "0", "--feed", "service_events"]) == 0
    for number in range(2):
        content = service_events(PERSON, "u1", PERSON, f"u{number}", PERSON)
        home.write(f"service_events/ingest_date=2026-01-01/{number}.csv", content, 1e9 + 1)
    home.build()
    real, calls = rewrite.replace_version, iter(range(100))

    def die_the_second_time(*arguments: Path) -> bool:
        if next(calls) == 1:
            raise RuntimeError("killed here")
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(rewrite, "replace_version", die_the_second_time)
        forget(home, "service_events", "user_id", expect_success=False)
    if built:
        home.build()
    forget(home, "service_events", "user_id")
    home.build()
    assert places(home, PERSON) == []
    assert [(row[1], row[4]) for row in counts(home)] == [(5, 3)] * 4
    assert not (home.root / "erased.jsonl").exists()


def test_what_a_killed_archive_was_removing_does_not_come_back(
    home: DataHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> bool:
        raise KeyboardInterrupt

    path = home.write("service_events/ingest_date=2026-01-01/a.csv", service_events(PERSON, "u1"), 1e9)
    home.build()
    with monkeypatch.context() as patched:
        patched.setattr(move, "_is", die)
        with pytest.raises(KeyboardInterrupt):
            archive(["--older-than", "0"])
    with monkeypatch.context() as patched:
        patched.setattr(move, "_is", lambda path, held: False if held is None else die())
        with pytest.raises(KeyboardInterrupt):
            archive(["--older-than", "0"])
    assert [file.name for file in path.parent.iterdir()] == [".a.csv.leaving"]
    forget(home, "service_events", "user_id")
    home.build()
    assert places(home, PERSON) == []
    assert archive(["--older-than", "0"]) == 0
    home.build("--full-refresh")
    assert places(home, PERSON) == [] and [row[0] for row in home.published()["service_events"]] == ["eu11"]


def test_the_error_of_a_file_that_cannot_be_read_keeps_nothing(
    home: DataHome, capfd: pytest.CaptureFixture[str]
) -> None:
    path = home.write(
        "service_events/ingest_date=2026-01-01/a.csv", f"e1,cart,{PERSON},x\ne2,cart,{PERSON},x\n", 1e9
    )
    home.write("service_events/ingest_date=2026-01-01/.b.csv.part", f"half of {PERSON}", 1e9)
    home.build()
    forget(home, "service_events", "user_id", expect_success=False)
    said = capfd.readouterr().out
    assert "a.csv: " in said and ".b.csv.part: It is not delivered yet" in said
    home.build()
    assert [place for place in places(home, PERSON) if not place.startswith("landing/")] == []
    path.touch()
    home.build()
    assert [place for place in places(home, PERSON) if not place.startswith("landing/")] == []
    assert home.query("select error like '%forgotten%' from file_loads where status = 'failed'") == [(True,)]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Another process whose query of a published file does not end."""
    code = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); db.execute('begin');"
        "db.execute('select count(*) from sqlite_master').fetchall(); print('reads', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None and reader.stdout.readline() == "reads\n"
        yield
        reader.kill()


def test_a_reader_of_an_older_state_is_waited_for_then_named(
    home: DataHome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As people do it, without telling dbt to write no log: nor does the value stay there."""
    monkeypatch.setenv("SLUICE_WAIT_SECONDS", "1")
    home.write("service_events/ingest_date=2026-01-01/a.csv", service_events("u1", PERSON, "u"), 1e9)
    home.build()
    home.dbt("show", "--inline", "select * from {{ ref('service_events') }}")
    arguments = f"{{feed: service_events, column: user_id, value: {PERSON}}}"
    command = [sys.executable, "-m", "dbt.cli.main", "run-operation", "forget", "--args", arguments]
    paths = {"DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_LOG_PATH": str(tmp_path / "logs")}
    with reading(home.root / "published/operations.db"):
        done = subprocess.run(
            command, cwd=PROJECT, env={**os.environ, **paths}, capture_output=True, text=True
        )
    assert done.returncode == 1, done.stdout
    assert "operations.db still holds what was deleted" in done.stdout
    assert "process " in done.stdout and "End it, and run dbt build again" in done.stdout
    assert "Run dbt build again" in done.stderr
    home.build()
    assert places(home, PERSON) == []
    logged = [path for path in tmp_path.rglob("*") if path.is_file() and PERSON.encode() in path.read_bytes()]
    assert logged == [] and list(tmp_path.rglob("dbt.log*")) and list(tmp_path.rglob("run_results.json"))


def test_the_answer_of_the_prediction_service_goes_too(home: DataHome) -> None:
    rows = [[name, "Lunch", 5, "2026-01-01", "Cafe", "card", "debit"] for name in (PERSON, "t2")]
    columns = ["id", "description", "amount", "timestamp", "merchant", "operation_type", "side"]
    home.write("transactions/ingest_date=2026-01-01/a.csv", csv_text(columns, rows), 1e9)
    home.build()
    with duckdb.connect(str(home.root / "warehouse.duckdb")) as warehouse:
        warehouse.execute(
            "insert into state.transaction_categories by name select id, 1 as key_hash, 1 as content_hash,"
            " 'classified' as status, 1 as attempt_count, 0 as batch_id from transactions"
        )
    forget(home, "transactions", "id")
    home.build()
    assert places(home, PERSON) == []
    assert ("t2",) in home.query("select id from state.transaction_categories")

"""Tenants' files through builds: only what changed is written, everything heals, nothing goes out untested."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import duckdb
import pytest
import yaml
from tests.pipeline.harness import PROJECT, DataHome
from tests.tenants.tenant_kit import FEED, builds, changed, contents, deliver, event, names

from sluice.deliver.tenants import files

pytestmark = pytest.mark.slow  # many builds


def test_a_file_is_written_when_its_tenant_changed_and_at_no_other_time(home: DataHome) -> None:
    deliver(home, "a.csv", [event("acme", n) for n in range(4)] + [event("globex", n) for n in range(3)])
    deliver(home, "b.csv", [event("initech", 1)], modified=1e9)
    home.build(*FEED)
    assert names(home) == ["acme", "globex", "initech"]
    first = home.published("tenants/acme")
    assert [len(first[table]) for table in ("events", "tags", "usage_daily")] == [4, 8, 4]
    [(source, kind, minute, count, amount, amounts), *_] = first["metrics_per_minute"]
    assert (source, kind, minute) == ("web", "order", "2026-01-01T10:00:00Z")
    assert (count, amount, amounts) == (1, 1.1, 1)

    was = builds(home)
    home.build(*FEED)
    assert changed(was, builds(home)) == set()

    deliver(home, "c.csv", [event("globex", 9), event("globex", 1, payload={"amount": 5})])
    home.assert_definitions(home.build(*FEED))
    assert changed(was, builds(home)) == {"globex"}
    rows = {row[0]: row for row in home.published("tenants/globex")["events"]}
    assert set(rows) == {"e0", "e1", "e2", "e9"}
    assert "p1" in rows["e1"][5]  # the first landed counts

    deliver(
        home, "b.csv", [event("globex", 20)], modified=2e9
    )  # a rewritten file: initech has no events any more
    was = builds(home)
    home.assert_definitions(home.build(*FEED))
    assert names(home) == ["acme", "globex"] and changed(was, builds(home)) == {"globex", "initech"}
    assert not list((home.root / "published" / "tenants").glob("initech*"))

    incremental, was = contents(home), builds(home)
    home.build("--full-refresh", *FEED)
    assert contents(home) == incremental
    assert {name: build for name, (build, _) in builds(home).items()} == {
        name: build for name, (build, _) in was.items()
    }, "a full refresh that changes nothing is no new build of a file"


def test_files_that_are_missing_old_or_broken_are_made_again(home: DataHome) -> None:
    tenants = ("acme", "globex", "initech", "hooli")
    folder, backup = home.root / "published" / "tenants", home.root / "backup.db"
    deliver(home, "a.csv", [event(tenant, 1) for tenant in tenants])
    home.build(*FEED)
    shutil.copy(folder / "globex.db", backup)
    deliver(home, "b.csv", [event("globex", 2)])
    home.build(*FEED)
    whole, was = contents(home), builds(home)

    (folder / "acme.db").unlink()
    shutil.copy(backup, folder / "globex.db")  # from before the last change
    (folder / "initech.db").write_bytes(b"no database")
    (folder / "umbrella.db").write_bytes(b"of a tenant that is none")
    home.build(*FEED)
    assert contents(home) == whole
    assert changed(was, builds(home)) == {"acme", "globex", "initech"}
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.db")} == {0o600}


def test_a_build_that_stops_between_files_is_completed_by_the_next(
    home: DataHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants = [f"t{n}" for n in range(5)]
    deliver(home, "a.csv", [event(tenant, 1) for tenant in tenants])
    home.build(*FEED)
    was, updates, update = builds(home), [], files._update

    def stop_after_two(path, *arguments) -> None:
        updates.append(path.stem)
        if path.stem not in updates[:2]:
            raise OSError("the power is gone")
        update(path, *arguments)

    deliver(home, "b.csv", [event(tenant, 2) for tenant in tenants])
    with monkeypatch.context() as patch:
        patch.setattr(files, "_update", stop_after_two)
        home.build(*FEED, expect_success=False)
    half = builds(home)
    written = set(updates[:2])
    assert changed(was, half) == written
    deliver(home, "c.csv", [event("t4", 3)])
    home.build(*FEED)
    after = builds(home)
    assert all(len(tables["events"]) == (3 if name == "t4" else 2) for name, tables in contents(home).items())
    behind = {*tenants} - (written - {"t4"})
    assert changed(half, after) >= behind
    assert {name for name in tenants if half[name][0] != after[name][0]} >= behind


def test_a_killed_build_leaves_every_file_whole(home: DataHome) -> None:
    tenants = [f"tenant-{n:03}" for n in range(150)]
    deliver(home, "a.csv", [event(tenant, n) for tenant in tenants for n in range(3)])
    home.build(*FEED)
    was = builds(home)
    deliver(home, "b.csv", [event(tenant, n) for tenant in tenants for n in range(3, 6)])
    command = [sys.executable, "-m", "dbt.cli.main", "--quiet", "build", "--project-dir", str(PROJECT)]
    command += [
        "--profiles-dir",
        str(PROJECT),
        "--target-path",
        str(home.target),
        "--log-path",
        str(home.target),
        *FEED,
    ]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first = home.root / "published" / "tenants" / "tenant-000.db"
    before = first.stat().st_mtime_ns
    while first.stat().st_mtime_ns == before and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.wait()
    counts = {
        name: {len(tables["events"]), len(tables["usage_daily"])} for name, tables in contents(home).items()
    }
    assert set(map(frozenset, counts.values())) <= {frozenset({3}), frozenset({6})}
    half = builds(home)
    print("written before the kill:", len(changed(was, half)))
    home.build(*FEED)
    assert {len(tables["events"]) for tables in contents(home).values()} == {6}


def test_a_failing_test_holds_all_tenants_back(home: DataHome) -> None:
    deliver(home, "a.csv", [event("acme", 1), event("globex", 1)])
    home.build(*FEED)
    was = builds(home)
    deliver(home, "b.csv", [event("acme", 2), event("initech", 1)])
    set_payload = (
        "update stg_landing__tenant_events set payload = ? where tenant_id = 'globex' returning payload"
    )
    [(payload,)] = home.query("select payload from stg_landing__tenant_events where tenant_id = 'globex'")
    with closing(duckdb.connect(str(home.root / "warehouse.duckdb"))) as warehouse:
        warehouse.execute(set_payload, ["[1]"])
    result = home.build(*FEED, "--vars", "{audit: full}", expect_success=False)
    assert "tenant_events_row_is_valid" in [run.node.name for run in result.result if run.status == "fail"]
    assert changed(was, builds(home)) == set()
    with closing(duckdb.connect(str(home.root / "warehouse.duckdb"))) as warehouse:
        warehouse.execute(set_payload, [payload])
    home.build(*FEED)
    assert changed(was, builds(home)) == {"acme", "initech"}


def test_another_declaration_is_read_from_all_payloads(home: DataHome) -> None:
    """What is already published is read again, without a full refresh."""
    payload = {"amount": 1, "total": {"net": "7.25"}, "sku": "s1"}
    deliver(home, "a.csv", [event("acme", n, payload=payload) for n in range(3)])
    home.build(*FEED)
    assert {row[4] for row in home.published("tenants/acme")["metrics_per_day"]} == {1.0}
    declared = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]["payload_fields"]
    declared |= {
        "amount": {"type": "amount", "since": {"v1": "total.net"}},
        "product_id": {"type": "text", "since": {"v2": "sku"}},
    }
    variables = ("--vars", json.dumps({"payload_fields": declared}))
    home.build(*FEED, *variables)
    deliver(home, "b.csv", [event("globex", 5, payload=payload)])
    home.build(*FEED, *variables)
    for tenant in ("acme", "globex"):
        tables = home.published(f"tenants/{tenant}")
        assert {row[4] for row in tables["metrics_per_day"]} == {7.25}
        assert {(row[10], row[12]) for row in tables["events"]} == {("s1", 7.25)}
    was = builds(home)
    home.build(*FEED, *variables)
    assert changed(was, builds(home)) == set()


def test_event_tables_are_limited_to_each_tenants_newest_days(home: DataHome) -> None:
    deliver(home, "a.csv", [event("acme", n) for n in range(10)] + [event("globex", n) for n in range(5)])
    home.build(*FEED)
    home.build(*FEED, "--vars", "{publish_days: 3}")

    def days(tenant: str) -> list[str]:
        return sorted({row[3][:10] for row in home.published(f"tenants/{tenant}")["events"]})

    assert days("acme") == ["2026-01-08", "2026-01-09", "2026-01-10"]
    assert days("globex") == ["2026-01-03", "2026-01-04", "2026-01-05"]
    assert len(home.published("tenants/acme")["usage_daily"]) == 10
    assert len(home.published("tenants/acme")["tags"]) == 6
    deliver(home, "b.csv", [event("globex", 5)])
    was = builds(home)
    home.build(*FEED, "--vars", "{publish_days: 3}")
    assert days("globex") == ["2026-01-04", "2026-01-05", "2026-01-06"]
    assert changed(was, builds(home)) == {"globex"}
    home.build(*FEED)
    assert len(days("acme")) == 10 and len(days("globex")) == 6


def test_readers_see_one_build_of_a_file(home: DataHome) -> None:
    deliver(home, "a.csv", [event("acme", n) for n in range(3)])
    home.build(*FEED)
    path = home.root / "published" / "tenants" / "acme.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("begin")
        assert reader.execute("select count(*) from events").fetchone() == (3,)
        deliver(home, "b.csv", [event("acme", n) for n in range(3, 5)])
        home.build(*FEED)
        assert reader.execute("select sum(event_count) from metrics_per_day").fetchone() == (3,)
        reader.execute("commit")
        counts = "select (select count(*) from events), (select sum(event_count) from metrics_per_day)"
        assert reader.execute(counts).fetchone() == (5, 5)
    was = {name: build for name, (build, _) in builds(home).items()}
    home.build(*FEED)  # the reader kept the file from being tidied up; it is up to date all the same
    assert {name: build for name, (build, _) in builds(home).items()} == was

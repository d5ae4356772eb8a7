"""The small parts by themselves: timestamps, access rule, connections, query plans, charts, descriptions."""

import csv
import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sluice.home import PROJECT_ROOT
from sluice.serve import access, charts, metrics, params
from sluice.serve.catalog import Catalog
from sluice.serve.database import ConnectionPool, open_published, time_limit
from sluice.serve.facts import Build, Facts, Table, read_facts
from sluice.timestamps import _CANONICAL, parse_timestamp, parse_with_macro

from .published import public_tables, publish, tenant_tables, write, write_manifest

CASES = [
    case
    for case in csv.DictReader(
        (PROJECT_ROOT / "seeds" / "timestamp_cases.csv").open(encoding="utf-8", newline="")
    )
    if not case["date_order"] and not case["time_zone"]
]
"""The truth table, without what a source's options or a file decide."""


def test_timestamps_agree_with_the_truth_table() -> None:
    assert len(CASES) > 100
    for case in CASES:
        expected = (
            dt.datetime.fromisoformat(case["expected"]).replace(tzinfo=dt.UTC) if case["expected"] else None
        )
        assert parse_timestamp(case["raw"]) == expected, case


def test_the_short_cut_for_canonical_timestamps_says_what_the_macro_says() -> None:
    texts = [case["raw"] for case in CASES if _CANONICAL.fullmatch(case["raw"])]
    texts += [
        "2026-02-30T10:00:00Z",
        "2099-12-31T23:59:59.999999Z",
        "1900-01-01 00:00:00",
        "1899-12-31 23:59:59",
        "1979-12-31T23:59:59Z",
        "2026-02-28 23:59:59.1Z",
    ]
    assert len(texts) > 6
    for text in texts:
        assert parse_timestamp(text) == parse_with_macro(text), text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-13T11:32:14 05:30", "2026-01-13T06:02:14"),
        ("2026-01-13T11:32:14  05:30", "2026-01-13T06:02:14"),
        ("2026-01-13T11:32 05", "2026-01-13T06:32:00"),
        ("13/Jan/2026:11:32:14  0000", "2026-01-13T11:32:14"),
        ("2026-01-13 11:32", "2026-01-13T11:32:00"),
        ("13/01/2026 11:32", "2026-01-13T11:32:00"),
        ("2026-01-13 05", None),
        ("Tue, 13 Jan 2026 11:32:14  0100", "2026-01-13T10:32:14"),
    ],
)
def test_a_plus_that_became_a_space(text: str, expected: str | None) -> None:
    found = params.parse_instant(text)
    assert found == (dt.datetime.fromisoformat(expected).replace(tzinfo=dt.UTC) if expected else None)


def test_the_access_rule() -> None:
    tenant = {"role": "tenant", "tenant_id": "acme"}
    operator, admin = {"role": "operator", "tenant_id": None}, {"role": "admin", "tenant_id": None}
    seen = {
        database: [access.may_see(actor, database) for actor in (None, tenant, operator, admin)]
        for database in (
            "sluice",
            "operations",
            "acme",
            "globex",
            "_memory",
            "Acme",
            "../acme",
            "TENANT-acme",
            "",
        )
    }
    assert seen == {
        "sluice": [True, True, True, True],
        "operations": [False, False, True, True],
        "acme": [False, True, False, True],
        "globex": [False, False, False, True],
        "_memory": [False, False, False, True],
        "Acme": [False] * 4,
        "../acme": [False] * 4,
        "TENANT-acme": [False] * 4,
        "": [False] * 4,
    }
    for tenant_id in ("acme", "metrics", "sluice", "-", "a" * 64):
        assert access.tenant_of(access.tenant_database(tenant_id)) == tenant_id


def test_the_metrics_query_goes_through_the_key(tmp_path: Path) -> None:
    write(tmp_path / "sluice.db", public_tables())
    connection = sqlite3.connect(tmp_path / "sluice.db")
    statements: list[str] = []
    connection.row_factory = sqlite3.Row
    connection.set_trace_callback(statements.append)
    for wanted in ("checkout", None):
        span = ("2026-01-15T10:10:00Z", "2026-01-15T10:20:00Z")
        metrics.read_buckets(connection, metrics.SERVICE, "minute", [wanted], span, None, 1000)
        connection.rollback()
    connection.set_trace_callback(None)
    selects = [statement for statement in statements if statement.startswith("select")]
    assert len(selects) >= 4
    for statement in selects:
        plan = " ".join(row[3] for row in connection.execute(f"explain query plan {statement}"))
        assert "USING" in plan and "INDEX" in plan or "PRIMARY KEY" in plan, (statement, plan)
        assert "TEMP B-TREE" not in plan, (statement, plan)
    buckets = [statement for statement in selects if "limit 1000" in statement]
    plan = " ".join(row[3] for row in connection.execute(f"explain query plan {buckets[0]}"))
    assert "service=? AND minute>? AND minute<?" in plan


def test_the_events_query_goes_through_an_index(tmp_path: Path) -> None:
    write(tmp_path / "acme.db", tenant_tables("acme"))
    connection = sqlite3.connect(tmp_path / "acme.db")
    connection.row_factory = sqlite3.Row
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    after = ("2026-01-15T10:00:03.000000Z", "acme-007")
    metrics.read_events(connection, {"source": None}, ("", "~"), after, 0, 10)
    connection.set_trace_callback(None)
    plan = " ".join(row[3] for row in connection.execute(f"explain query plan {statements[0]}"))
    assert "USING INDEX events_by_time" in plan
    assert f"event_at >= '{after[0]}'" in statements[0], "a later page begins where the one before ended"
    assert "TEMP B-TREE" not in plan


def test_connections_are_read_only_limited_and_few(tmp_path: Path) -> None:
    publish(tmp_path, tenants=[f"t{number}" for number in range(9)])
    pool = ConnectionPool(lambda connection, name: None, max_idle=3)
    for number in range(9):
        with pool.connection(tmp_path / "published" / "tenants" / f"t{number}.db", "t") as connection:
            assert connection.execute("select count(*) from events").fetchone()[0] == 40
    assert len(pool._idle) == 3
    pool.close()
    connection = open_published(tmp_path / "published" / "sluice.db")
    for sql in (
        "delete from orders",
        "attach 'x' as x",
        "pragma database_list",
        "pragma query_only = 0",
        "vacuum",
    ):
        with pytest.raises(sqlite3.DatabaseError):
            connection.execute(sql)
            connection.execute("delete from orders")
    for sql in (
        "select randomblob(100000000)",
        "select fts3_tokenizer('simple')",
        "select load_extension('x')",
        "select sql from sqlite_stmt",
    ):
        with pytest.raises(sqlite3.DatabaseError):
            connection.execute(sql).fetchall()
    with pytest.raises(sqlite3.OperationalError), time_limit(connection, 20):
        connection.execute(
            "with recursive n(x) as (select 1 union all select x + 1 from n) select max(x) from n"
        ).fetchall()
    connection.close()


def facts_of(home: Path) -> Facts:
    """What is found out about the public file of a home."""
    with closing(open_published(home / "published" / "sluice.db")) as connection:
        return read_facts(connection, "sluice")


def test_facts_of_a_build(tmp_path: Path) -> None:
    publish(tmp_path)
    facts = facts_of(tmp_path)
    assert facts.build == Build("b1", "2026-01-15T12:30:00.000000Z")
    assert facts.tables["service_metrics_per_minute"].rows == 240
    assert facts.tables["service_metrics_per_minute"].sorted_by == {"service"}
    assert (facts.overview.bucket_size, len(facts.overview.points)) == ("minute", 120)
    assert facts.overview.points[0].requests == 24


def test_only_feeds_have_a_latest_event(tmp_path: Path) -> None:
    publish(tmp_path)
    with sqlite3.connect(tmp_path / "published" / "sluice.db") as db:
        db.execute("create table unusual_amounts as select * from transactions")
        db.execute("insert into hourly_events values ('transactions', '2026-01-15', 10, 1)")
    latest = facts_of(tmp_path).latest_event_at
    assert latest.keys() == {"orders", "service_events", "tenant_events", "transactions"}
    assert latest["orders"] == "2026-01-15T10:00:00.000000Z"
    assert latest["tenant_events"] == "2026-01-15T11:00:00Z", "an hour, where there is no table of events"


def test_facts_of_empty_tables(tmp_path: Path) -> None:
    publish(tmp_path)
    with sqlite3.connect(tmp_path / "published" / "sluice.db") as db:
        db.execute("create index by_service on service_events (service, event_at)")
        db.execute("delete from service_events")
    assert facts_of(tmp_path).tables["service_events"].rows == 0


def test_descriptions_follow_the_manifest_and_the_size_of_a_table(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    assert catalog.metadata({})["databases"]["sluice"]["tables"].keys() == {"_build", "_published_batches"}
    write_manifest(tmp_path)

    def table(rows: int) -> dict[str, Any]:
        known = Table(
            "service_metrics_per_minute", ("service", "minute"), rows, True, (("service", "minute"),)
        )
        facts = Facts(Build(str(rows), "now"), {known.name: known})
        return catalog.metadata({"sluice": facts})["databases"]["sluice"]["tables"][known.name]

    assert (table(10)["sort_desc"], table(10)["facets"]) == ("minute", ["service"])
    assert not {"sort_desc", "facets"} & table(5_000_000).keys()
    assert catalog.metadata({})["databases"].get("acme")["tables"]["events"]["sort_desc"] == "event_at"
    assert "acme" not in catalog.metadata({})["databases"]


def test_charts_show_gaps_and_nothing_unescaped() -> None:
    drawn = charts.line_chart(
        [
            ("2026-01-15T10:00:00Z", 1.0),
            ("2026-01-15T10:01:00Z", 3.0),
            ("2026-01-15T10:09:00Z", None),
            ("2026-01-15T10:10:00Z", 2.0),
        ],
        "minute",
        "Requests <per> minute",
    )
    assert drawn.count("<polyline") == 1
    assert drawn.count('class="dot"') == 1
    assert "<per>" not in drawn
    assert "Nothing to draw" in charts.line_chart([], "minute", "Nothing")
    assert [charts.round_up(value) for value in (0, 0.03, 1, 7, 24, 1200)] == [1, 0.05, 1, 10, 25, 2000]


SERIES = [(source, kind) for source in ("app", "pos", "web") for kind in ("", "a", "b b", "view")]


@pytest.mark.parametrize(
    "start", [None, *SERIES, ("", ""), ("app", "z"), ("b", "a"), ("web", "z"), ("z", "")]
)
def test_series_are_found_by_jumping_from_one_to_the_next(start: tuple[str, str] | None) -> None:
    with sqlite3.connect(":memory:") as db:
        db.execute(
            "create table metrics (source, kind, minute, primary key (source, kind, minute)) without rowid"
        )
        minutes = range(2_000)
        db.executemany(
            "insert into metrics values (?, ?, ?)", ((*key, minute) for key in SERIES for minute in minutes)
        )
        steps = []
        db.set_progress_handler(lambda: steps.append(1), 100)
        found = list(metrics.read_series_keys(db, "metrics", ("source", "kind"), start))
    assert found == sorted(key for key in SERIES if start is None or key >= start)
    assert len(steps) < 50  # hundreds of instructions a series; reading every minute takes ten times as many

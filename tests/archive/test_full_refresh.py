"""A full refresh from the archive ends in the tables that the landing zone gave, whatever was odd about the files."""

import gzip

import pytest
from tests.pipeline.harness import DataHome

from sluice.archive.__main__ import main

EVENTS = "event_id,service,event_type,timestamp,latency_ms,status_code,user_id\n"
FILES: dict[str, bytes] = {
    "service_events/ingest_date=2026-01-01/plain.csv": (
        EVENTS + "".join(f"e{n},cart,request,2026-01-01T10:{n:02}:00Z,{n},200,u{n}\n" for n in range(20))
    ).encode(),
    "service_events/ingest_date=2026-01-01/crlf_quotes.csv": (
        EVENTS + 'e1,"ca\n""rt",request,2026-01-01,1,200,u1\ne2,x,y,"stray\ne3,cart,request,2026-01-01,x,200,\ne4,short\n'
    ).replace("\n", "\r\n").encode(),
    "service_events/ingest_date=2026-01-02/utf16.csv": (EVENTS + "e7,café,request,2026-01-02,5,500,ü\n").encode("utf-16"),
    "service_events/ingest_date=2026-01-02/z.csv.gz": gzip.compress(
        (EVENTS + "e8,cart,request,2026-01-02,5,200,u1\ne1,cart,request,2026-01-02,5,200,u1\n").encode()
    ) + gzip.compress(b"e9,cart,\xff,2026-01-02,5,200,u1\n"),
    "service_events/loose.csv": (EVENTS + "e5,cart,request,2026-01-05,5,200,u1\n").encode(),
    "orders/ingest_date=2026-01-01/semicolons.csv": (
        b"\xef\xbb\xbfamount;order_id;customer_id;order_time;status;note\n5;o1;c1;2026-01-01;paid;hello\n"
    ),
    "customers/ingest_date=2026-01-03/late.csv": b"customer_id,email\nc1,a@b.c\nc1,A@b.c\n",
}  # fmt: skip


def archive(*arguments: str) -> None:
    assert main(["--older-than", "5", *arguments]) == 0


def drop_warehouse(home: DataHome) -> None:
    for name in ("warehouse.duckdb", "published/sluice.db", "published/operations.db"):
        (home.root / name).unlink()


def ledger(home: DataHome) -> list[tuple]:
    """What identifies the loaded files, and their counts."""
    return home.query(
        "select file, ingest_date, size_bytes, modified_at, records_read, clean_count, duplicate_count, quarantined_count,"
        " repaired_count, status from file_loads where status in ('loaded', 'archived') order by file"
    )


@pytest.mark.slow
def test_a_full_refresh_reads_landing_and_archive_alike(home: DataHome) -> None:
    for number, (file, content) in enumerate(FILES.items()):
        home.write(file, content, modified=1_000_000_000 + number)
    home.build()
    before = {name: rows for name, rows in home.everything().items() if name != "file_loads"}
    loaded = ledger(home)
    assert {row[-1] for row in loaded} == {"loaded"} and before["quarantine"]

    archive("--feed", "service_events")
    assert [path.name for path in sorted(home.landing.rglob("*.csv*"))] == ["late.csv", "semicolons.csv"]
    archive()
    assert not list(home.landing.rglob("*.csv*"))
    archived = [(*row[:-1], "archived") for row in loaded]

    def assert_same() -> None:
        found = {name: rows for name, rows in home.everything().items() if name != "file_loads"}
        for name, rows in before.items():
            assert found[name] == rows, name
        assert ledger(home) == archived

    home.build()
    assert_same()
    home.build("--full-refresh")
    assert_same()
    drop_warehouse(home)
    home.build()
    assert_same()
    home.build("--vars", "{start_date: 2026-01-01, end_date: 2026-01-01}")
    assert_same()
    assert home.query(
        "select count(*) from state.loads where run_id = (select arg_max(run_id, started_at) from state.runs)"
    ) == [(3,)]
    home.build("--vars", "{slash_date_order: mdy}")
    assert home.query("select count(*) from state.runs where files_loaded = 7") == [(2,)], (
        "changed rules read the archive"
    )


@pytest.mark.slow
def test_a_file_that_comes_again_replaces_its_archived_version(home: DataHome) -> None:
    file = "customers/ingest_date=2026-01-03/a.csv"
    home.write(file, "customer_id,country\nc1,FR\nc2,FR\n", modified=1e9)
    home.build()
    archive()
    home.write(file, "customer_id,country\nc1,UK\n", modified=1e9 + 60)
    home.build()
    expected = home.published()["customers"]
    assert [row[2] for row in expected] == ["UK"]
    home.build("--full-refresh")
    assert home.published()["customers"] == expected
    assert home.query("select status, records_read from file_loads where records_read is not null") == [
        ("loaded", 1)
    ]

    home.write(file, "no header at all\n", modified=1e9 + 120)
    home.build()
    assert home.published()["customers"] == expected, "a version that cannot be read changes nothing"
    (home.landing / file).unlink()
    home.write(file, "customer_id,country\nc1,UK\n", modified=1e9 + 60)
    home.build()
    archive()
    home.build("--full-refresh")
    assert home.published()["customers"] == expected, "the newer copy in the archive counts"


@pytest.mark.slow
def test_a_full_refresh_stops_when_the_archive_was_dropped(home: DataHome) -> None:
    file = "customers/ingest_date=2026-01-03/a.csv"
    home.write(file, "customer_id,country\nc1,FR\n", modified=1e9)
    home.build()
    archive("--dry-run")
    assert (home.landing / file).exists()
    archive()
    assert main(["--drop-older-than", "5", "--dry-run"]) == 0 and list(home.root.glob("archive/**/*.parquet"))
    assert main(["--drop-older-than", "5"]) == 0 and not list(home.root.glob("archive/**/*.parquet"))
    home.build()
    assert len(home.published()["customers"]) == 1
    result = home.build("--full-refresh", expect_success=False)
    assert not result.success and file in str(result.exception or [r.message for r in result.result])
    assert len(home.published()["customers"]) == 1
    home.build("--full-refresh", "--vars", "{forget_missing: true}")
    assert home.published()["customers"] == []


@pytest.mark.slow
def test_a_full_refresh_stops_where_it_would_lose_an_earlier_version(home: DataHome) -> None:
    """The newest version cannot be read, so the one before it counts; the refresh would begin without any."""
    kept, broken = "customers/ingest_date=2026-01-03/a.csv", "customers/ingest_date=2026-01-03/b.csv"
    home.write(kept, "customer_id,country\nc1,FR\n", modified=1e9)
    home.write(broken, "customer_id,country\nc2,DE\n", modified=1e9)
    home.build()
    home.write(broken, "no,known,name\nc2,DE,\n", modified=1e9 + 60)
    home.build()
    before = home.everything()
    assert len(before["customers"]) == 2
    result = home.build("--full-refresh", expect_success=False)
    told = str([run.message for run in result.result.results])
    assert not result.success and broken in told and kept not in told
    assert home.everything()["customers"] == before["customers"]
    home.build()
    assert home.everything() == before
    home.build("--full-refresh", "--vars", "{forget_missing: true}")
    assert [row[0] for row in home.published()["customers"]] == ["c1"]

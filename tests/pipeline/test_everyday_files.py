"""Files as people really deliver them: what spreadsheets, exports, transfer tools and old systems make.

As in test_files.py they lie in one landing zone and are read by one build, each kind under an ingest date of its own.
"""

# ruff: noqa: E501 - rows of test tables stay on one line

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import tarfile
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import zstandard
from tests.pipeline.everyday import HEADER, Deliveries, event, events_of, file_of, files_of, rejected
from tests.pipeline.harness import DataHome

SECRET = "jane.roe@example.org"
deliveries = Deliveries()


@pytest.fixture(scope="module")
def built(shared_home: DataHome) -> DataHome:
    """All deliveries, read by one build."""
    return deliveries.build(shared_home)


@deliveries.on("2026-01-01")
def deliver_patterns(home: DataHome, day: str) -> None:
    for number, name in enumerate(
        (
            "report[1].csv",
            "report1.csv",
            "a*.csv",
            "ab.csv",
            "what?.csv",
            "whats.csv",
            "{a,b}.csv",
            "it's.csv",
        )
    ):
        home.write(f"{day}/{name}", file_of(f"pattern-{number}"))


def test_names_that_look_like_patterns_are_names(built: DataHome) -> None:
    assert events_of(built, "2026-01-01") == [f"pattern-{number}" for number in range(8)]
    counts = files_of(built, "2026-01-01", "status, records_read, clean_count")
    assert set(counts.values()) == {("loaded", 1, 1)} and len(counts) == 8


@deliveries.on("2026-01-02")
def deliver_binary_content(home: DataHome, day: str) -> None:
    whole = file_of("inside").encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("events.csv")
        member.size = len(whole)
        tar.addfile(member, io.BytesIO(whole))
    home.write(f"{day}/tar.csv.gz", packed.getvalue())
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    home.write(f"{day}/book.csv", book.getvalue())
    home.write(
        f"{day}/nul.csv", "event_id,service,event_type,timestamp,no\0te\n" + event("nul-name") + ",x\n"
    )
    home.write(f"{day}/good.csv", file_of("beside-binary"))


def test_binary_content_costs_its_file_only(built: DataHome) -> None:
    assert files_of(built, "2026-01-02", "status") == {
        "tar.csv.gz": ("failed",), "book.csv": ("failed",), "nul.csv": ("loaded",), "good.csv": ("loaded",),
    }  # fmt: skip
    assert events_of(built, "2026-01-02") == ["beside-binary", "nul-name"]
    assert built.query("select _extra from stg_landing__service_events where event_id = 'nul-name'") == [
        ('{"no\\\\x00te":"x"}',)
    ]


@deliveries.on("2026-01-03")
def deliver_far_times(home: DataHome, day: str) -> None:
    home.write(f"{day}/late.csv", file_of("late"), modified=9_300_000_000)
    home.write(f"{day}/early.csv", file_of("early"), modified=-5_000_000_000)


def test_a_modification_time_of_any_size_is_taken(built: DataHome) -> None:
    assert events_of(built, "2026-01-03") == ["early", "late"]


@deliveries.on("2026-01-04")
def deliver_line_ends(home: DataHome, day: str) -> None:
    text = file_of("cr-1", "cr-2")
    home.write(f"{day}/cr.csv", text.replace("\n", "\r"))
    home.write(f"{day}/cr_and_lf.csv", file_of("cr-3", "cr-4").replace("\n", "\r") + "\n")
    home.write(f"{day}/header_cr.csv", file_of("cr-5", "cr-6").replace("\n", "\r", 1))
    home.write(f"{day}/crcrlf.csv", file_of("cr-7", "cr-8").replace("\n", "\r\r\n"))


def test_every_line_end_ends_a_line(built: DataHome) -> None:
    assert events_of(built, "2026-01-04") == [f"cr-{number}" for number in range(1, 9)]
    assert rejected(built, "2026-01-04") == []


@deliveries.on("2026-01-05", "customers")
def deliver_without_header(home: DataHome, day: str) -> None:
    home.write(f"{day}/no_header.csv", f"c7,{SECRET},DE,2026-01-01\nc8,x@y.de,DE,2026-01-01\n")


def test_what_a_file_without_header_holds_stays_with_operators(built: DataHome) -> None:
    error, public_error = built.query(
        "select error, public_error from file_loads where feed = 'customers' and status = 'failed'"
    )[0]
    assert "customer_id" in public_error
    assert SECRET in error and SECRET not in public_error
    published = (built.root / "published" / "sluice.db").read_bytes()
    assert SECRET.encode() not in published
    for report in (built.root / "reports").rglob("*.json"):
        assert SECRET not in report.read_text()
    with closing(sqlite3.connect(built.root / "published" / "operations.db")) as db:
        assert SECRET in db.execute("select error from file_loads where error like '%c7%'").fetchone()[0]


@deliveries.on("2026-01-08")
def deliver_tables_with_more_around_them(home: DataHome, day: str) -> None:
    home.write(f"{day}/title.csv", "Report of 2026\n\nsep=;\n" + file_of("above-1").replace(",", ";"))
    home.write(f"{day}/concatenated.csv", file_of("twice-1") + file_of("twice-2"))
    other = "timestamp,event_type,event_id,service\n2026-01-01,request,other-1,cart\n"
    home.write(f"{day}/second_table.csv", file_of("table-1") + other)
    home.write(f"{day}/footer.csv", file_of("footer-1") + "Total: 1,,,\n(1 rows affected)\n")
    home.write(f"{day}/blank.csv", file_of("blank-1") + ',,,\n   \n"","","",""\n\x1a')
    home.write(f"{day}/trailing.csv", file_of("trail-1").replace("Z\n", "Z,\n"))
    home.write(f"{day}/trailing_header.csv", file_of("trail-2").replace("timestamp\n", "timestamp,\n"))
    spaced = '"space-1", "cart" ,"request", "2026-01-01"\n'
    home.write(f"{day}/spaced.csv", f"{HEADER}\n{spaced}")
    home.write(f"{day}/backslash.csv", f'{HEADER},note\n{event("slash-1")},"say \\"hi, you\\""\n')


def test_the_table_is_found_and_nothing_else_is_a_record(built: DataHome) -> None:
    assert events_of(built, "2026-01-08") == sorted(
        [
            "above-1",
            "twice-1",
            "twice-2",
            "other-1",
            "table-1",
            "footer-1",
            "blank-1",
            "trail-1",
            "trail-2",
            "space-1",
            "slash-1",
        ]
    )
    assert rejected(built, "2026-01-08") == [
        (["too_few_values"], "(1 rows affected)"), (["too_few_values"], "Total: 1,,,"),
    ]  # fmt: skip
    skipped = files_of(built, "2026-01-08", "skipped_lines, header_kind, delimiter")
    assert skipped["title.csv"] == (3, "below other lines", ";")
    assert skipped["trailing.csv"] == (0, "first line", ",")


@deliveries.on("2026-01-09")
def deliver_encodings(home: DataHome, day: str) -> None:
    def text(name: str) -> str:
        return file_of(f"{name}-1", f"{name}-é")

    home.write(f"{day}/latin.csv", text("latin").encode("windows-1252"))
    home.write(f"{day}/utf16.csv", text("bare").encode("utf-16-le"))
    home.write(f"{day}/utf32.csv", ("\ufeff" + text("wide")).encode("utf-32-be"))


def test_encodings_are_recognised_and_guesses_are_said(built: DataHome) -> None:
    assert events_of(built, "2026-01-09") == sorted(
        f"{name}-{end}" for name in ("latin", "bare", "wide") for end in ("1", "é")
    )
    assert files_of(built, "2026-01-09", "encoding, is_encoding_guessed") == {
        "latin.csv": ("windows-1252", True), "utf16.csv": ("utf-16-le", True), "utf32.csv": ("utf-32-be", False),
    }  # fmt: skip
    alerts = built.query("select severity, file from alerts where alert = 'encoding_guessed' order by file")
    assert [(severity, Path(file).name) for severity, file in alerts] == [
        ("info", "latin.csv"),
        ("info", "utf16.csv"),
    ]


@deliveries.on("2026-01-10")
def deliver_suffixes(home: DataHome, day: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/events.csv", file_of("zip"))
    for name, content in {
        "A.CSV": file_of("upper"), "b.TSV": file_of("tabs").replace(",", "\t"), "c.txt": file_of("text"),
        "d.csv.1": file_of("rotated"), "e.csv.2.gz": gzip.compress(file_of("packed").encode()),
        "f.csv.bz2": bz2.compress(file_of("bzip2").encode()), "g.csv.xz": lzma.compress(file_of("xz").encode()),
        "h.csv.zst": zstandard.compress(file_of("zst").encode()), "i.zip": packed.getvalue(),
        "j.csv": gzip.compress(file_of("gzip-as-csv").encode()), "k.csv.gz": file_of("csv-as-gzip"),
        "l.csv.gz": gzip.compress(file_of("garbage").encode()) + b"behind the end",
    }.items():  # fmt: skip
        home.write(f"{day}/{name}", content)
    for name in ("m.csv.part", "n.csv.filepart", "o.csv.crdownload", "p.csv.swp", "q.csv~", "r.csv.TMP"):
        home.write(f"{day}/{name}", "coming")
    home.write(f"{day}/events.csv/part-00000-1.csv", file_of("spark"))
    home.write(f"{day}/events.csv/_SUCCESS", "")
    home.write(f"{day}/hour=7/minute=05/s.csv", file_of("hour"))
    home.write("service_events/dt=2026-01-10/t.csv", file_of("dt"))
    home.write("service_events/year=2026/month=1/day=10/u.csv", file_of("year"))


def test_names_and_content_are_two_things(built: DataHome) -> None:
    assert events_of(built, "2026-01-10") == sorted(
        ["upper", "tabs", "text", "rotated", "packed", "bzip2", "xz", "zst", "zip", "gzip-as-csv", "csv-as-gzip", "garbage",
         "spark", "hour", "dt", "year"]
    )  # fmt: skip
    files = files_of(built, "2026-01-10", "status, note is not null")
    assert files.pop("l.csv.gz") == ("loaded", True)
    assert set(files.values()) == {("loaded", False)} and len(files) == 15


@deliveries.on("2026-01-13")
def deliver_rejects_at_known_lines(home: DataHome, day: str) -> None:
    bad = "line-{},cart,request,never"
    home.write(
        f"{day}/regular.csv",
        "\n".join([HEADER, event("l1"), bad.format(3), event("l2"), bad.format(5)]) + "\n",
    )
    quoted = f'{HEADER},note\n{event("l3")},"two\nlines"\n{bad.format(4)},x\n'
    home.write(f"{day}/quoted.csv", quoted)
    home.write(f"{day}/odd.csv", f"Title\n\n{HEADER}\n{event('l4')}\n\nshort,row\n{bad.format(7)}\n")


def test_a_rejected_record_knows_its_line(built: DataHome) -> None:
    rows = built.query("select file, line, raw_record from quarantine where ingest_date = '2026-01-13'")
    found = {(Path(file).name, line): raw for file, line, raw in rows}
    assert set(found) == {
        ("regular.csv", 3),
        ("regular.csv", 5),
        ("quoted.csv", 4),
        ("odd.csv", 6),
        ("odd.csv", 7),
    }
    assert all(f"line-{line}" in raw for (_, line), raw in found.items() if line != 6)


@deliveries.on("2026-01-14")
def deliver_links(home: DataHome, day: str) -> None:
    outside = home.root.parent / "outside.csv"
    outside.write_text(f"{SECRET}\n{file_of('outside')}")
    (home.landing / day).mkdir(parents=True, exist_ok=True)
    (home.landing / day / "link.csv").symlink_to(outside)
    (home.landing / day / "folder.csv").symlink_to(home.root.parent)
    home.write(f"{day}/real.csv", file_of("real"))
    (home.landing / day / "inner.csv").symlink_to(home.landing / day / "real.csv")


def test_links_that_leave_the_landing_zone_are_failed(built: DataHome) -> None:
    assert events_of(built, "2026-01-14") == ["real"]
    status = files_of(built, "2026-01-14", "status")
    assert status["link.csv"] == ("failed",) and status["inner.csv"] == ("loaded",)
    errors = built.query("select error from file_loads where status = 'failed'")
    assert not any(
        str(built.root.parent / "outside.csv") in error or SECRET in error
        for (error,) in errors
        if "c7" not in error
    )


def test_nothing_of_a_file_stands_in_public_messages(built: DataHome) -> None:
    messages = built.query("select message from alerts")
    texts = [message for (message,) in messages] + [
        path.read_text() for path in (built.root / "reports").rglob("alerts.json")
    ]
    for private in (SECRET, "pattern-0", "12.50", "u1,"):
        assert not any(private in text for text in texts)
    assert json.loads(next((built.root / "reports").rglob("alerts.json")).read_text())["alerts"] is not None

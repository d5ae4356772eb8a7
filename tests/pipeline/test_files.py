"""Every kind of file and fault, one promise each: what is wrong is said, nothing is lost, and what is good goes on.

They lie together in one landing zone, each promise on an ingest date of its own, and are read by one build:
so none of them disturbs another.
"""

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.pipeline.harness import DataHome

HEADER = "event_id,service,event_type,timestamp,latency_ms,status_code,user_id"
DELIVERIES: dict[str, Callable[[DataHome, str], None]] = {}


def delivery(day: str) -> Callable:
    """A function that writes the files of one ingest date, given the home and the folder of that date."""

    def register(deliver: Callable[[DataHome, str], None]) -> Callable[[DataHome, str], None]:
        assert day not in DELIVERIES
        DELIVERIES[day] = deliver
        return deliver

    return register


@pytest.fixture(scope="module")
def built(shared_home: DataHome) -> DataHome:
    """All deliveries, read by one build."""
    shared_home.clear()
    for day, deliver in DELIVERIES.items():
        deliver(shared_home, folder(day))
    shared_home.build()
    return shared_home


def folder(day: str) -> str:
    """Where the files of an ingest date lie."""
    return f"service_events/ingest_date={day}"


def event(event_id: str, user: str = "u1") -> str:
    """A good record."""
    return f"{event_id},cart,request,2026-01-01T10:00:00Z,12,200,{user}"


def quarantined(home: DataHome, day: str) -> list[tuple[list[str], str]]:
    """Reasons and raw text of what an ingest date had rejected."""
    return home.query(f"select reject_reasons, raw_record from quarantine where ingest_date = '{day}'")


@delivery("2026-01-01")
def deliver_dialects(home: DataHome, day: str) -> None:
    def plain(number: int) -> str:
        return f"{HEADER}\n{event(f'dialect-{number}')}\n"

    home.write(f"{day}/plain.csv", plain(1))
    home.write(f"{day}/order.csv", "timestamp,user_id,event_id,status_code,latency_ms,event_type,service\n"
               "2026-01-01T10:00:00Z,u1,dialect-2,200,12,request,cart\n")  # fmt: skip
    names = " EVENT_ID ,Service,event_type,TS,Latency_ms,status_code,user_id"
    home.write(f"{day}/case.csv", plain(3).replace(HEADER, names))
    for number, delimiter in ((4, ";"), (5, "\t"), (6, "|")):
        home.write(f"{day}/delimiter{number}.csv", plain(number).replace(",", delimiter))
    home.write(f"{day}/bom.csv", "\ufeff" + plain(7))
    home.write(f"{day}/utf16le.csv", ("\ufeff" + plain(8)).encode("utf-16-le"))
    home.write(f"{day}/utf16be.csv", ("\ufeff" + plain(9)).encode("utf-16-be"))
    home.write(f"{day}/hour=07/packed.csv.gz", gzip.compress(plain(10).encode()))
    home.write(f"{day}/crlf.csv", plain(11).replace("\n", "\r\n"))
    home.write(f"{day}/mixed.csv", f"{HEADER}\r\n{event('dialect-12')}\n{event('dialect-13')}\r\n\n")
    quoted = '"dialect-14","ca""rt, or\nnot",request,2026-01-01T10:00:00Z,12,200,u1'
    home.write(f"{day}/quoted.csv", f"{HEADER}\n{quoted}\n")


def test_every_dialect_ends_in_the_same_rows(built: DataHome) -> None:
    """Column order, header case, aliases, delimiters, BOM, UTF-16, gzip, line ends: one event each, all read."""
    rows = built.query(
        "select event_id, service, event_at, latency_ms, status_code, user_id from service_events "
        "where ingest_date = '2026-01-01'"
    )
    assert sorted(row[0] for row in rows) == sorted(f"dialect-{number}" for number in range(1, 15))
    assert {row[2:] for row in rows} == {rows[0][2:]}
    assert {row[1] for row in rows} == {"cart", 'ca"rt, or\nnot'}


@delivery("2026-01-02")
def deliver_other_columns(home: DataHome, day: str) -> None:
    home.write(f"{day}/few.csv", "event_id,service,event_type,timestamp\nfew,cart,request,2026-01-01\n")
    home.write(f"{day}/more.csv", f"{HEADER},region\n{event('more')},eu\n")


def test_columns_may_be_missing_or_unknown(built: DataHome) -> None:
    assert built.query(
        "select event_id, latency_ms, user_id from service_events where ingest_date = '2026-01-02' order by 1"
    ) == [("few", None, None), ("more", 12.0, "u1")]
    assert built.query(
        "select event_id, _extra from stg_landing__service_events where event_id in ('few', 'more') order by 1"
    ) == [("few", None), ("more", '{"region":"eu"}')]


LONG_LINE = "x" * (1 << 20) + ",cart,request,2026-01-01,,,"


@delivery("2026-01-03")
def deliver_structural_faults(home: DataHome, day: str) -> None:
    lines = [
        HEADER,
        event("before").replace("request", "reqüest"),
        "short,cart",
        "long,cart,request,2026-01-01,1,200,u1,surplus",
        'quote,"cart,request',
        LONG_LINE,
    ]
    bytes_lines = [line.encode() for line in lines]
    bytes_lines += [b"caf\xe9,cart,request,2026-01-01,1,200,u1", event("after").encode(), b""]
    home.write(f"{day}/faults.csv", b"\n".join(bytes_lines))


def test_structural_faults_stand_alone_with_their_text(built: DataHome) -> None:
    assert sorted(quarantined(built, "2026-01-03")) == sorted(
        [
            (["too_few_columns"], "short,cart"),
            (["too_many_columns"], "long,cart,request,2026-01-01,1,200,u1,surplus"),
            (["unterminated_quote"], 'quote,"cart,request'),
            (["line_too_long"], LONG_LINE),
            (["invalid_encoding"], r"caf\xe9,cart,request,2026-01-01,1,200,u1"),
        ]
    )
    assert built.query("select event_id from service_events where ingest_date = '2026-01-03' order by 1") == [
        ("after",), ("before",)
    ]  # fmt: skip
    assert built.query(
        "select records_read, clean_count, quarantined_count from file_loads where ingest_date = '2026-01-03'"
    ) == [(7, 2, 5)]


STRAY_QUOTE = event("many-25000").replace(",cart", ',"cart')


@delivery("2026-01-04")
def deliver_a_stray_quote(home: DataHome, day: str) -> None:
    lines = [event(f"many-{number}") for number in range(50_000)]
    lines[25_000] = STRAY_QUOTE
    home.write(f"{day}/large.csv", "\n".join([HEADER, *lines, ""]))


def test_a_stray_quote_costs_one_record_of_many(built: DataHome) -> None:
    assert built.query("select count(*) from service_events where ingest_date = '2026-01-04'") == [(49_999,)]
    assert quarantined(built, "2026-01-04") == [(["unterminated_quote"], STRAY_QUOTE)]


@delivery("2026-01-05")
def deliver_files_that_cannot_be_read(home: DataHome, day: str) -> None:
    whole = f"{HEADER}\n{event('beside-failed')}\n"
    home.write(f"{day}/good.csv", whole)
    home.write(f"{day}/empty.csv", "")
    home.write(f"{day}/header.csv", "a,b,c\n1,2,3\n")
    home.write(f"{day}/broken.csv.gz", gzip.compress(whole.encode())[:-10])
    home.write(f"{day}/notes.txt", "hello")
    home.write(f"{folder('2026-02-30')}/a.csv", whole)
    home.write("nothing/ingest_date=2026-01-05/a.csv", whole)
    home.write(f"{day}/_hidden.csv", "not a file yet")
    home.write(f"{day}/coming.csv.part", "not a file yet")


def test_files_that_cannot_be_read_are_named_and_hold_nothing_back(built: DataHome) -> None:
    day = folder("2026-01-05")
    failed = dict(built.query("select file, error from file_loads where status = 'failed'"))
    assert set(failed) == {
        f"{day}/empty.csv", f"{day}/header.csv", f"{day}/broken.csv.gz", f"{day}/notes.txt",
        f"{folder('2026-02-30')}/a.csv", "nothing/ingest_date=2026-01-05/a.csv",
    }  # fmt: skip
    assert all(failed.values())
    listed = built.query(f"select file from file_loads where file like '{day}/%' and status = 'loaded'")
    assert listed == [(f"{day}/good.csv",)]
    assert built.query("select event_id from service_events where ingest_date = '2026-01-05'") == [
        ("beside-failed",)
    ]


@delivery("2026-01-06")
def deliver_the_same_records_twice(home: DataHome, day: str) -> None:
    home.write(f"{day}/b.csv", f"{HEADER}\n{event('twice')}\n")
    home.write(f"{day}/a.csv", f"{HEADER}\n{event('twice')}\n{event('twice')}\n")


def test_the_same_records_in_two_files_count_once(built: DataHome) -> None:
    counts = built.query(
        "select file, records_read, clean_count, duplicate_count from file_loads "
        "where ingest_date = '2026-01-06' order by 1"
    )
    day = folder("2026-01-06")
    assert counts == [(f"{day}/a.csv", 2, 1, 1), (f"{day}/b.csv", 1, 0, 1)]


TIED_USERS = [f"tied-{number}" for number in range(8)]


@delivery("2026-01-07")
def deliver_ties(home: DataHome, day: str) -> None:
    home.write(f"{day}/a.csv", "\n".join([HEADER, *(event("tied", user) for user in TIED_USERS), ""]))


def test_ties_within_a_file_go_to_the_smallest_md5(built: DataHome) -> None:
    """Two records of one key, equally complete and equally late, differ only in the user."""

    def md5(user: str) -> str:
        fields = ["tied", "cart", "request", "2026-01-01T10:00:00Z", "12", "200", user, "\x00"]
        return hashlib.md5("\x1f".join(fields).encode()).hexdigest()

    assert built.query("select user_id from service_events where event_id = 'tied'") == [
        (min(TIED_USERS, key=md5),)
    ]


@delivery("2026-01-08")
def deliver_a_bad_record(home: DataHome, day: str) -> None:
    home.write(f"{day}/a.csv", f"{HEADER},region\n,  Cart ,request,soon,12,200,u1,eu\n")


def test_raw_records_are_json_of_every_field(built: DataHome) -> None:
    ((reasons, raw),) = quarantined(built, "2026-01-08")
    assert reasons == ["invalid_timestamp", "missing_event_id"]
    record = json.loads(raw)
    assert record["service"] == "  Cart " and record["timestamp"] == "soon" and record["region"] == "eu"


@delivery("2026-01-13")
def deliver_without_a_date(home: DataHome, day: str) -> None:
    """The folder of this date stays empty: the file takes the date from its modification time."""
    home.write(f"{Path(day).parent}/undated.csv", f"{HEADER}\n{event('undated')}\n", modified=1_768_303_934)


def test_a_file_in_the_feeds_own_folder_takes_its_date_from_its_time(built: DataHome) -> None:
    assert built.query("select cast(ingest_date as varchar) from service_events where event_id = 'undated'") == [
        ("2026-01-13",)
    ]  # fmt: skip


def test_personal_data_is_published_only_as_a_key(built: DataHome) -> None:
    keys = {hashlib.sha256(f"test key\x1f{user}".encode()).hexdigest() for user in ["u1", *TIED_USERS]}
    published = {row[7] for row in built.published()["service_events"]}
    assert None in published and len(published) == 3 and published < keys | {None}
    assert b"test key" not in (built.root / "published" / "sluice.db").read_bytes()
    assert (built.root / "published" / "operations.db").stat().st_mode & 0o777 == 0o600

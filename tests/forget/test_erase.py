"""One person's records leave the text of a file; every other byte stays, whatever the dialect."""

import base64
import gzip
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from landing.packers import PACKERS

from sluice.archive.move import Loaded, archive_files
from sluice.archive.store import list_archive, read_lines
from sluice.forget.erase import erase_records
from sluice.forget.journal import Journal, Rewritten
from sluice.forget.person import Person, Place
from sluice.forget.rewrite import Unreadable, rewrite_archive, rewrite_landing, without_records
from sluice.home import Home
from sluice.landing.decompress import content_blocks
from sluice.landing.feed import FeedFormat
from sluice.landing.inspect import inspect_file
from sluice.landing.listing import list_landing_files
from sluice.landing.source import plain_text

FEED = FeedFormat({"id": ("id",), "user_id": ("user_id", "user"), "note": ("note",)}, ("id",))
PERSON = Person(FEED, "user_id", "u7")


def journal_in(root: Path) -> Journal:
    return Journal(Home(root, root / "landing", root / "published"))


def erase(text: bytes, tmp_path: Path, person: Person = PERSON) -> tuple[bytes, int]:
    path = tmp_path / "x.csv"
    path.write_bytes(text)
    written: list[bytes] = []
    found = erase_records(str(path), person, written.append, tmp_path)
    return b"".join(map(bytes, written)), found.count


@pytest.mark.parametrize(
    "before, after",
    [
        (b"id,user_id\n1,u7\n2,u8\n", b"id,user_id\n2,u8\n"),
        (b"id,user_id\r\n1,u8\r\n2, u7 \r\n", b"id,user_id\r\n1,u8\r\n"),
        (b"id;USER;note\n1;u8;u7\n2;u7;x", b"id;USER;note\n1;u8;u7\n"),
        (b"id,user_id\n1,u8\n2,u9", b"id,user_id\n1,u8\n2,u9"),
        (b"id,user_id\r\n1,u7\r\n2,u9", b"id,user_id\r\n2,u9"),
        (b'id,note,user_id\n1,"two\nlines, u7",u8\n\n2,"x\ny","u7"\n3,a"b,u8\n',
         b'id,note,user_id\n1,"two\nlines, u7",u8\n\n3,a"b,u8\n'),
        (b"\xef\xbb\xbfid,user_id\n1,u77\n2,u7\n", b"\xef\xbb\xbfid,user_id\n1,u77\n"),
        (b'id,user_id\n1,u7,too,many\n2\n3,"u7\n4,u8\n5,\xff,u7\n', b"id,user_id\n2\n4,u8\n"),
        (b"id,note\n1,u7\n", b"id,note\n1,u7\n"),
    ],
)  # fmt: skip
def test_records_go_and_the_rest_stays(before: bytes, after: bytes, tmp_path: Path) -> None:
    assert erase(before, tmp_path)[0] == after


def test_folded_columns_are_compared_folded(tmp_path: Path) -> None:
    person = Person(FeedFormat({"id": ("id",), "email": ("email",)}, ("id",)), "email", " Ä@b.c", "lower")
    assert erase("id,email\n1,ä@B.C\n2,x@b.c\n".encode(), tmp_path, person) == (b"id,email\n2,x@b.c\n", 1)


def test_a_field_of_any_length(tmp_path: Path) -> None:
    long = b"x" * 300_000
    text = b"id,user_id,note\n1,u7," + long + b"\n2,u8," + long + b"\n"
    assert erase(text, tmp_path) == (b"id,user_id,note\n2,u8," + long + b"\n", 1)


def test_messages_that_could_not_be_decoded(tmp_path: Path) -> None:
    """Streams keep them as base64."""
    texts = (b'{"user": "u7"', b'{"user": "u77"', b"\xff,u7,\xfe", b"")
    lines = [b"%d,,%s\n" % (number, base64.b64encode(text)) for number, text in enumerate(texts)]
    found = erase(b"id,user_id,_undecodable_base64\n" + b"".join(lines) + b"9,u7,\n", tmp_path)
    assert found == (b"id,user_id,_undecodable_base64\n" + lines[1] + lines[3], 3)


IN_PAYLOAD = Person(
    FeedFormat({"id": ("id",), "payload": ("payload",)}, ("id",)),
    "payload",
    "u7",
    places=(
        Place(("email",)),
        Place(("user", "email")),
        Place(("name",), "first_word"),
        Place(("name",), "other_words"),
    ),
)


@pytest.mark.parametrize(
    "payload, is_theirs",
    [
        ({"email": " u7 "}, True),
        ({"email": "u77"}, False),
        ({"user": {"email": "u7"}}, True),
        ({"user": {"name": "u7"}}, False),
        ({"other": "u7"}, False),
        ({"name": "u7 Miller"}, True),
        ({"name": "Ann u7"}, True),
        ({"name": "Ann"}, False),
        ({"email": ["a", {"b": "u7"}]}, True),
        ({"user": ["u7"]}, True),
        ({"user": "u7"}, True),
        ({"email": None, "user": None}, False),
        ('{"email": "\\u00757"}', True),
        ('{"email": "a", "email": "u7"}', True),
        ('{"user": {}, "user": {"email": "u7"}}', True),
        ('{"email": "u7"', True),
        ("[" * 5000, False),
        ("not json", False),
        ("", False),
    ],
)
def test_somebody_inside_a_payload(payload: dict | str, is_theirs: bool, tmp_path: Path) -> None:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    line = '1,"{}"\n'.format(text.replace('"', '""')).encode()
    left, count = erase(b"id,payload\n" + line + b"2,\n", tmp_path, IN_PAYLOAD)
    assert (left, count) == (b"id,payload\n" + (b"" if is_theirs else line) + b"2,\n", int(is_theirs))


def test_a_number_is_compared_as_it_is_written(tmp_path: Path) -> None:
    feed = FeedFormat({"p": ("p",), "id": ("id",)}, ("id",))
    person = Person(feed, "p", "1.10", places=(Place(("id",)),))
    assert person.is_meant('{"id": 1.10}') and not person.is_meant('{"id": 1.1}')
    assert Person(feed, "p", "true", places=(Place(("id",)),)).is_meant('{"id": true}')


FIELDS = st.sampled_from(["u7", " u7", "u8", '"u7"', '"a\nu7"', '"u', "", "ü", "x,u7", "a\r\nb"])


@given(st.lists(st.tuples(FIELDS, FIELDS), max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_is_left_is_what_the_reader_finds_without_them(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], end: str, ended: bool
) -> None:
    """Records erased and records read afterwards are together the records read before; a second run finds nothing."""
    folder = tmp_path_factory.mktemp("erase")
    text = end.join(["id,user_id", *(",".join(row) for row in rows)]) + (end if ended else "")
    (folder / "x.csv").write_bytes(text.encode())
    work = folder / "work"
    before = inspect_file(str(folder / "x.csv"), FEED, work).records_read
    found = without_records(folder / "x.csv", PERSON, work)
    if found is None:
        return
    after = inspect_file(str(found.path), FEED, work).records_read
    assert without_records(found.path, PERSON, work) is None
    assert before == after + found.erased_count
    if not found.is_torn:
        assert found.erased_count == erase_records(str(folder / "x.csv"), PERSON, len, work).count


def test_landing_files_keep_their_encoding(tmp_path: Path) -> None:
    landing, work = tmp_path / "landing", tmp_path / "work"
    folder = landing / "events/ingest_date=2026-01-01"
    folder.mkdir(parents=True)
    work.mkdir()
    text = "id,user_id\n1,u7\n2,ü\n"
    (folder / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "b.csv").write_bytes(text.encode("utf-16"))
    (folder / "c.csv").write_bytes(b"id,user_id\n1,u8\n")
    (folder / "d.csv.gz").write_bytes(gzip.compress(text.encode())[:-5])
    untouched = (folder / "c.csv").stat().st_mtime_ns
    found = list(rewrite_landing(landing, "events", PERSON, work, journal_in(tmp_path)))
    assert [item.erased_count for item in found if isinstance(item, Rewritten)] == [1, 1]
    assert [item.file for item in found if isinstance(item, Unreadable)] == [
        "events/ingest_date=2026-01-01/d.csv.gz"
    ]
    assert gzip.decompress((folder / "a.csv.gz").read_bytes()).decode() == "id,user_id\n2,ü\n"
    assert (folder / "b.csv").read_bytes() == "id,user_id\n2,ü\n".encode("utf-16")
    assert (folder / "c.csv").stat().st_mtime_ns == untouched
    assert not list(work.iterdir())


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp1252"]
LEFT = "id,user_id\n2,ü\n"


def in_encoding(text: str, encoding: str) -> bytes:
    return (("\ufeff" if encoding[:5] in ("utf-1", "utf-3") else "") + text).encode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", ["", *PACKERS])
def test_files_are_written_back_in_their_compression_and_encoding(
    kind: str, encoding: str, tmp_path: Path
) -> None:
    landing, work = tmp_path / "landing", tmp_path / "work"
    path = landing / "events/ingest_date=2026-01-01/a.txt"
    path.parent.mkdir(parents=True)
    work.mkdir()
    data = in_encoding("id,user_id\n1,u7\n2,ü\n", encoding)
    path.write_bytes(PACKERS[kind](data) if kind else data)
    path.chmod(0o640)
    before = plain_text(str(path), tmp_path, FeedFormat({"id": ("id",)}, ()))
    (found,) = rewrite_landing(landing, "events", PERSON, work, journal_in(tmp_path))
    assert isinstance(found, Rewritten) and found.erased_count == 1
    assert b"".join(content_blocks(path)) == in_encoding(LEFT, encoding)
    after = plain_text(str(path), tmp_path, FeedFormat({"id": ("id",)}, ()))
    assert (after.layers, after.member, after.encoding) == (before.layers, before.member, before.encoding)
    assert after.layers == ((kind,) if kind else ())
    assert path.stat().st_mode & 0o777 == 0o640
    assert not list(work.iterdir()) and [path.name for path in path.parent.iterdir()] == ["a.txt"]


def test_a_zip_keeps_the_name_and_date_of_its_member(tmp_path: Path) -> None:
    landing, work = tmp_path / "landing", tmp_path / "work"
    path = landing / "events/a.zip"
    path.parent.mkdir(parents=True)
    work.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data/", b"")
        member = zipfile.ZipInfo("data/übersicht.csv.gz", (2020, 2, 3, 4, 5, 6))
        archive.writestr(member, gzip.compress(b"id,user_id\n1,u7\n2,u8\n"))
    (found,) = rewrite_landing(landing, "events", PERSON, work, journal_in(tmp_path))
    assert isinstance(found, Rewritten)
    with zipfile.ZipFile(path) as archive:
        (member,) = archive.infolist()
        assert (member.filename, member.date_time) == ("data/übersicht.csv.gz", (2020, 2, 3, 4, 5, 6))
        assert member.compress_type == zipfile.ZIP_STORED
        assert gzip.decompress(archive.read(member)) == b"id,user_id\n2,u8\n"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_archived_text_keeps_its_encoding(encoding: str, tmp_path: Path) -> None:
    landing, archive, work = tmp_path / "landing", tmp_path / "archive", tmp_path / "work"
    path = landing / "events/ingest_date=2026-01-01/a.csv.zst"
    path.parent.mkdir(parents=True)
    work.mkdir()
    data = in_encoding("id,user_id\n1,u7\n2,ü\n", encoding)
    path.write_bytes(PACKERS["zstd"](data))
    files = [Loaded(entry, "2026-01-01") for entry in list_landing_files(landing)]
    assert archive_files(files, landing, archive, lambda file: None) == 1
    assert [b"".join(read_lines(entry)) for entry in list_archive(archive)] == [data]
    (found,) = rewrite_archive(archive, "events", PERSON, work, journal_in(tmp_path))
    assert isinstance(found, Rewritten)
    (entry,) = list_archive(archive)
    assert b"".join(read_lines(entry)) == in_encoding(LEFT, encoding)
    assert (entry.size_bytes, entry.modified_ns) == (found.size_bytes, found.modified_ns)


def test_bundles_of_the_archive_are_rewritten(tmp_path: Path) -> None:
    landing, archive, work = tmp_path / "landing", tmp_path / "archive", tmp_path / "work"
    folder = landing / "events/ingest_date=2026-01-01"
    folder.mkdir(parents=True)
    work.mkdir()
    (folder / "a.csv").write_bytes(b"id,user_id\n1,u7\n2,u8\n")
    (folder / "b.csv").write_bytes(b"id,user_id\n1,u9\n")
    files = [Loaded(entry, "2026-01-01") for entry in list_landing_files(landing)]
    archive_files(files, landing, archive, lambda file: None)
    before = {entry.file: entry for entry in list_archive(archive)}
    (found,) = rewrite_archive(archive, "events", PERSON, work, journal_in(tmp_path))
    after = {entry.file: entry for entry in list_archive(archive)}
    assert isinstance(found, Rewritten) and found.file.endswith("a.csv") and found.erased_count == 1
    assert found.old_modified_ns == before[found.file].modified_ns
    assert (found.size_bytes, found.modified_ns) == (
        after[found.file].size_bytes,
        after[found.file].modified_ns,
    )
    assert [b"".join(read_lines(entry)) for entry in after.values()] == [
        b"id,user_id\n2,u8\n",
        b"id,user_id\n1,u9\n",
    ]
    assert not any(b"u7" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

"""Which encoding a text has, and that its characters come out as they were written."""

import gzip
from pathlib import Path

import pytest

from sluice.landing import decompress, delivered, source
from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import FeedFormat, Options
from sluice.landing.source import PlainText, plain_text, resolve_encoding

COLUMNS = {"order_id": ("order_id",), "name": ("name", "Имя"), "ts": ("ts", "time stamp")}
FEED = FeedFormat(COLUMNS, ("order_id",))
LATIN = "order_id,name\n1,x\n2,y\n"
CYRILLIC = "order_id,name,ts\n" + "1,Илья Ефимович Репин,2026-01-01\n" * 5
CHINESE = "order_id,name,ts\n" + "1,上海一二三四五六七八九十,2026-01-01\n" * 5


def feed_with(encoding: str | None = None, **options: object) -> FeedFormat:
    return FeedFormat(COLUMNS, ("order_id",), options=Options(encoding=encoding, **options))  # type: ignore[arg-type]


def plain(folder: Path, data: bytes, feed: FeedFormat = FEED) -> PlainText:
    (folder / "a.csv").write_bytes(data)
    (folder / "work").mkdir(exist_ok=True)
    found = plain_text(str(folder / "a.csv"), folder / "work", feed)
    return resolve_encoding(found, folder / "work")


def text_of(found: PlainText) -> str:
    return Path(found.path).read_bytes().decode()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text", [LATIN, LATIN.replace("\n", "\r\n"), CYRILLIC, CHINESE, "order_id,a\n1,\U0001f600\n"]
)
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_wide_text(encoding: str, text: str, mark: str, tmp_path: Path) -> None:
    for data in ((mark + text).encode(encoding), gzip.compress((mark + text).encode(encoding))):
        found = plain(tmp_path, data)
        assert text_of(found) == text
        assert (found.encoding, found.is_guessed, found.bom.decode(encoding)) == (encoding, not mark, mark)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_text_without_header_or_mark(encoding: str, tmp_path: Path) -> None:
    text = "1,Илья,2026-01-01\n2,上一,2026-01-02\n"
    assert text_of(plain(tmp_path, text.encode(encoding), feed_with(header=False))) == text


@pytest.mark.parametrize(
    "data",
    [
        b"order\0_id,name\n1,x\n",
        b"o\0rder_id,x\n1,y\n",
        b"order_id\0,name\n1,x\0\n",
        b"name\0,ts\0\0\0\nab\0,ab\0\n",
        b"name\0,ts\nab\0,ab\0\nab\0,ab\0\n",
        b"order_id\0\0,name\0\0\n" + b"1\0\0\0\0,x\0\0\0\n" * 20,
        b"order_id,name\n" + b"1,\0\0\0\0\n" * 20,
        b"order_id\0,na\0\n" * 20,
    ],
)
def test_zeros_alone_make_no_wide_text(data: bytes, tmp_path: Path) -> None:
    found = plain(tmp_path, data)
    assert (found.path, found.encoding, found.is_guessed) == (str(tmp_path / "a.csv"), "utf-8", False)


@pytest.mark.parametrize("line", [b"12345\0\0,xyz\0\0\n", b"a\0\0b\0,cd\0\n", b"1,\0\n", b"1,x\0\0\0\n"])
def test_padded_fields_without_a_header_are_no_wide_text(line: bytes, tmp_path: Path) -> None:
    assert plain(tmp_path, line * 50, feed_with(header=False)).encoding == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_bad_units_spoil_their_lines_only(encoding: str, mark: str, tmp_path: Path) -> None:
    lines = ["order_id,name", "1,x\ud83d", "2,\udc0a\ndc", "3,ж", "4,\udc41"]
    data = "\n".join([mark + lines[0], *lines[1:]]).encode(encoding, "surrogatepass") + b"\n"
    found = plain(tmp_path, data)
    read = Path(found.path).read_bytes().split(b"\n")
    good = [line for line in read if line.decode("utf-8", "ignore").encode() == line]
    assert good == [b"order_id,name", b"dc", "3,ж".encode()]
    assert read[1] == b"1,x\xed\xa0\xbd"
    assert len(read) == 6, "no unit becomes a line end"


def test_a_number_that_is_no_character_spoils_its_line_only(tmp_path: Path) -> None:
    data = "\ufefforder_id\n1".encode("utf-32-le") + b"\x0a\x0a\x0a\x0a" + "\n2\n".encode("utf-32-le")
    lines = Path(plain(tmp_path, data).path).read_bytes().split(b"\n")
    assert lines[::2] == [b"order_id", b"2"] and lines[1].startswith(b"1\xed\xb0\x8a")


def test_what_is_wide_only_by_its_beginning_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="begins as UTF-16-LE, but what follows is not"):
        plain(tmp_path, b"\xff\xfe" + b"\x0a\xd8" * 5000)
    assert not list((tmp_path / "work").iterdir())


LATIN_1252 = "order_id,name\n1,Müller – “Œuvre” €\x81\x8d\x8f\x90\x9d\n".encode("cp1252", "replace").replace(
    b"?????", b"\x81\x8d\x8f\x90\x9d"
)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("distance", [0, 1 << 18, 3 << 20])
def test_text_that_is_nowhere_utf8_is_windows_1252(pack: type, distance: int, tmp_path: Path) -> None:
    head, line = LATIN_1252.split(b"\n")[:2]
    found = plain(tmp_path, pack(head + b"\n" + b"0,abc\n" * (distance // 6) + line + b"\n"))
    assert text_of(found).endswith("\n1,Müller – “Œuvre” €\x81\x8d\x8f\x90\x9d\n")
    assert (found.encoding, found.is_guessed, found.is_checked) == ("windows-1252", True, True)
    assert len(list((tmp_path / "work").iterdir())) == 1, "a copy that is not needed is removed"


def test_a_header_in_windows_1252_is_right_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("order_id,größe\n1,2\n".encode("cp1252"))
    found = plain_text(str(tmp_path / "a.csv"), tmp_path, FEED)
    assert text_of(found) == "order_id,größe\n1,2\n" and found.is_checked


MIXTURES = [("ü".encode(), b"\xff"), (b"\xff", "上".encode()), ("\ufeff".encode(), b"\xe9")]


@pytest.mark.parametrize("distance", [0, (1 << 18) - 20, 1 << 18, 3 << 20])
@pytest.mark.parametrize("first, last", MIXTURES)
def test_where_both_occur_bad_lines_stay_as_they_are(
    first: bytes, last: bytes, distance: int, tmp_path: Path
) -> None:
    data = first + b",order_id\n" + b"0,abc\n" * (distance // 6) + b"1," + last
    found = plain(tmp_path, data)
    assert (found.path, found.encoding, found.is_guessed) == (str(tmp_path / "a.csv"), "utf-8", False)


@pytest.mark.parametrize("character", ["é", "上", "\U0001f600"])
def test_a_character_that_a_block_cuts_is_whole(
    character: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source.limits, "HEADER", 8)
    for size in range(1, 9):
        for module in (source, decompress, delivered):
            monkeypatch.setattr(module, "BLOCK", size)
        for cut in (character.encode()[:-1], b""):
            data = ("abcdefghijklm" + character * 3).encode() + cut
            assert plain(tmp_path, data).encoding == "utf-8", (size, cut)
        lone = b"abcdefghijklm" + character.encode()[:-1]
        assert plain(tmp_path, lone).encoding == "windows-1252", size


def test_the_beginning_decides_nothing_it_does_not_hold(tmp_path: Path) -> None:
    """No pass over a file of which every line may be UTF-8; one is made when somebody asks."""
    (tmp_path / "a.csv").write_bytes(b"order_id\n" * 200_000 + b"\xe9\n")
    found = plain_text(str(tmp_path / "a.csv"), tmp_path, FEED)
    assert found == PlainText(str(tmp_path / "a.csv"), "utf-8")
    resolved = resolve_encoding(found, tmp_path)
    assert resolved.encoding == "windows-1252" and text_of(resolved).endswith("\né\n")
    assert resolve_encoding(resolved, tmp_path) is resolved


@pytest.mark.parametrize(
    "option, text, data",
    [
        ("cp850", "order_id,å\n", "order_id,å\n".encode("cp850")),
        ("shift_jis", "order_id,表,ソ\n", "order_id,表,ソ\n".encode("shift_jis")),
        ("gb18030", CHINESE, CHINESE.encode("gb18030")),
        ("iso2022_jp", "order_id,日本\n", "order_id,日本\n".encode("iso2022_jp")),
        ("utf-7", "order_id,ü\n", "order_id,ü\n".encode("utf-7")),
        ("utf-16", CYRILLIC, CYRILLIC.encode("utf-16")),
        ("utf-16", CYRILLIC, ("\ufeff" + CYRILLIC).encode("utf-16-be")),
        ("utf-16", CYRILLIC, CYRILLIC.encode("utf-16-le")),
        ("UTF-16-BE", CYRILLIC, CYRILLIC.encode("utf-16-be")),
        ("utf-16-be", CYRILLIC, ("\ufeff" + CYRILLIC).encode("utf-16-be")),
        ("utf-32", CYRILLIC, ("\ufeff" + CYRILLIC).encode("utf-32-be")),
        ("Windows-1252", "order_id,€\x81Ã¼\n", b"order_id,\x80\x81\xc3\xbc\n"),
        ("latin-1", "order_id,\x80\n", b"order_id,\x80\n"),
        ("cp500", LATIN, LATIN.encode("cp500")),
    ],
)
def test_the_option_decides(option: str, text: str, data: bytes, tmp_path: Path) -> None:
    found = plain(tmp_path, data, feed_with(option))
    assert text_of(found) == text
    assert found.encoding.startswith(option) and not found.is_guessed and found.is_checked


def test_with_the_option_utf8_nothing_is_guessed(tmp_path: Path) -> None:
    for option in ("utf-8", "UTF8", "utf-8-sig"):
        found = plain(tmp_path, LATIN_1252, feed_with(option))
        assert (found.path, found.encoding, found.is_guessed) == (str(tmp_path / "a.csv"), option, False)


def test_bytes_that_the_option_does_not_know_spoil_their_lines_only(tmp_path: Path) -> None:
    data = b"order_id\n1,\xe9\n2,x\n"
    assert Path(plain(tmp_path, data, feed_with("ascii")).path).read_bytes() == data
    data = "order_id\n1,表\n".encode("shift_jis") + b"2,\x81\n3,\xff,x\n"
    lines = Path(plain(tmp_path, data, feed_with("shift_jis")).path).read_bytes().split(b"\n")
    assert lines == [b"order_id", "1,表".encode(), b"2,\x81", b"3,\xff,x", b""]


@pytest.mark.parametrize("option", ["utf-9", "rot13", "hex", "zlib", "no\0name", "", "undefined"])
def test_an_option_that_is_no_encoding_is_named(option: str, tmp_path: Path) -> None:
    if not option:
        assert plain(tmp_path, LATIN.encode(), feed_with(option)).encoding == "utf-8"
        return
    with pytest.raises(UnreadableFileError, match="option encoding is .* which is not an encoding"):
        plain(tmp_path, LATIN.encode(), feed_with(option))

"""What a delivered file holds decides how it is read, never its name; and nothing costs more than it may."""

import bz2
import gzip
import io
import lzma
import os
import pickle
import sqlite3
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from pyarrow import feather, orc, parquet

from sluice.landing import decompress, delivered, source
from sluice.landing.decompress import Content
from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import FeedFormat, Limits
from sluice.landing.source import PlainText, content_hash, plain_text, stamp

from .packers import PACKERS, packed_zip

FEED = FeedFormat({"id": ("id",), "name": ("name",), "ts": ("ts", "time stamp")}, ("id",))
TEXT = b"id,name\n1,x\n2,y\n"


def old_tar() -> bytes:
    """As tar wrote it before it had a magic number."""
    head = bytearray(packed_tar(TEXT))
    head[257:512] = bytes(255)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head[:512])
    return bytes(head)


def packed_tar(data: bytes, form: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        member = tarfile.TarInfo("orders.csv")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def plain(folder: Path, data: bytes, feed: FeedFormat = FEED, name: str = "a.csv") -> PlainText:
    path, work = folder / name, folder / "work"
    path.write_bytes(data)
    work.mkdir(exist_ok=True)
    return plain_text(str(path), work, feed)


def read(folder: Path, data: bytes, feed: FeedFormat = FEED) -> bytes:
    return Path(plain(folder, data, feed).path).read_bytes()


def problem_with(folder: Path, data: bytes, feed: FeedFormat = FEED) -> str:
    before = set(folder.glob("work/*"))
    with pytest.raises(UnreadableFileError) as raised:
        plain(folder, data, feed)
    assert set(folder.glob("work/*")) == before, "no copy is left"
    assert not raised.value.retry
    return str(raised.value)


@pytest.mark.parametrize(
    "data", [TEXT, b"", b"\xef\xbb\xbf" + TEXT, "id,ä\n".encode(), b"\x1f", b"PK", b"BZh9,id\n"]
)
def test_plain_text_is_read_in_place_whatever_its_name(data: bytes, tmp_path: Path) -> None:
    for name in ("a.csv", "a.csv.gz", "a.zip"):
        found = plain(tmp_path, data, name=name)
        assert found == PlainText(str(tmp_path / name), "utf-8")


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.txt.zst"])
def test_compressed_text_is_known_by_its_content(kind: str, name: str, tmp_path: Path) -> None:
    found = plain(tmp_path, PACKERS[kind](TEXT), name=name)
    assert Path(found.path).read_bytes() == TEXT
    assert (found.layers, found.note, found.is_copy) == ((kind,), None, True)
    assert stat.S_IMODE(Path(found.path).stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd"])
@pytest.mark.parametrize("block", [1, 2, 7, 1 << 18])
def test_streams_are_joined_zeros_are_padding_and_other_bytes_are_noted(
    kind: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (decompress, delivered):
        monkeypatch.setattr(module, "BLOCK", block)
    pack = PACKERS[kind]
    data = pack(TEXT) + pack(b"3,z\n") + b"\0" * 20 + pack(b"4,a\n")
    whole = TEXT + b"3,z\n4,a\n"
    assert read(tmp_path, data) == whole
    assert plain(tmp_path, data + b"\0" * 8).note is None
    found = plain(tmp_path, data + b"\0" * 8 + b"garbage\0\0")
    assert Path(found.path).read_bytes() == whole
    assert found.note == f"9 bytes after the end of the {kind} data were ignored."


def test_frames_of_zstd_that_hold_nothing_are_skipped(tmp_path: Path) -> None:
    skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    frame = PACKERS["zstd"](TEXT)
    assert read(tmp_path, skipped + frame + skipped + frame) == TEXT * 2


@pytest.mark.parametrize("kind", PACKERS)
def test_what_ends_too_early_is_said(kind: str, tmp_path: Path) -> None:
    data = PACKERS[kind](os.urandom(3000).hex().encode())
    for cut in (len(data) // 2, len(data) - 1):
        message = problem_with(tmp_path, data[:cut])
        assert "too early" in message or "incomplete near byte" in message, message
        assert str(cut) in message or kind == "zip"


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd", "zip"])
def test_what_is_broken_is_said(kind: str, tmp_path: Path) -> None:
    data = bytearray(PACKERS[kind](os.urandom(3000).hex().encode()))
    data[len(data) // 2] ^= 16
    message = problem_with(tmp_path, bytes(data))
    assert "broken" in message and "near byte" in message and "deliver it again" in message


@pytest.mark.parametrize("inner", ["gzip", "bzip2", "xz", "zstd"])
@pytest.mark.parametrize("outer", PACKERS)
def test_compressed_twice_is_read(outer: str, inner: str, tmp_path: Path) -> None:
    found = plain(tmp_path, PACKERS[outer](PACKERS[inner](TEXT)))
    assert Path(found.path).read_bytes() == TEXT
    assert found.layers == (outer, inner)


def test_deeper_is_refused(tmp_path: Path) -> None:
    pack = PACKERS["gzip"]
    assert "more than 2 times" in problem_with(tmp_path, pack(pack(pack(TEXT))))
    assert "a zip inside gzip" in problem_with(tmp_path, pack(PACKERS["zip"](TEXT)))
    assert "a zip inside zip" in problem_with(tmp_path, PACKERS["zip"](PACKERS["zip"](TEXT)))


def test_a_zip_holds_one_file_of_data(tmp_path: Path) -> None:
    beside = [("data/", b""), ("__MACOSX/data/._a.csv", b"x"), ("__MACOSX/a", b"x"), ("data/.DS_Store", b"x")]
    found = plain(tmp_path, packed_zip(*beside, ("data/a.csv", TEXT)))
    assert (Path(found.path).read_bytes(), found.member) == (TEXT, "data/a.csv")
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert read(tmp_path, packed_zip(("a.csv", TEXT), method=method)) == TEXT
    assert "no file" in problem_with(tmp_path, packed_zip(*beside))
    assert "no file" in problem_with(tmp_path, packed_zip())
    assert "2 files" in problem_with(tmp_path, packed_zip(("a.csv", TEXT), ("b.csv", TEXT)))


def test_a_zip_that_cannot_be_read(tmp_path: Path) -> None:
    good = packed_zip(("a.csv", TEXT))
    listed = good.index(b"PK\x01\x02")
    encrypted, method, size = bytearray(good), bytearray(good), bytearray(good)
    encrypted[6] |= 1
    encrypted[listed + 8] |= 1
    assert "encrypted" in problem_with(tmp_path, bytes(encrypted))
    method[8] = method[listed + 10] = 9
    assert "method deflate" in problem_with(tmp_path, bytes(method))
    size[listed + 24] -= 4
    assert "broken" in problem_with(tmp_path, bytes(size)), "the list says that it is shorter"
    renamed = good.replace(b"a.csv", b"SECRET"[:5], 1)
    assert "SECRE" not in problem_with(tmp_path, renamed)
    end = bytearray(good)
    end[-10:-6] = (1 << 30).to_bytes(4, "little")
    assert "zip" in problem_with(tmp_path, bytes(end))


def test_a_zip_of_very_many_members_costs_little(tmp_path: Path) -> None:
    name = "x" * 60_000
    members = packed_zip(*((f"{name}{number}", b"") for number in range(300)))
    assert "too many members" in problem_with(tmp_path, members)


def table_file(write: Callable[[pa.Table, Path], object], folder: Path) -> bytes:
    write(pa.table({"id": ["1", "2"], "name": ["x", "y"]}), folder / "table")
    return (folder / "table").read_bytes()


def sqlite_file(folder: Path) -> bytes:
    with sqlite3.connect(folder / "x.db") as database:
        database.execute("create table orders (id, name)")
    database.close()
    return (folder / "x.db").read_bytes()


OTHER = [
    ("a tar archive", lambda folder: packed_tar(TEXT)),
    ("a tar archive", lambda folder: packed_tar(TEXT, tarfile.PAX_FORMAT)),
    ("a tar archive", lambda folder: old_tar()),
    ("a tar archive", lambda folder: gzip.compress(packed_tar(TEXT))),
    ("a tar archive", lambda folder: packed_zip(("a.tar", packed_tar(TEXT)))),
    ("an Excel workbook", lambda folder: packed_zip(("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>"))),
    ("a Word document", lambda folder: packed_zip(("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>"))),
    ("an OpenDocument file", lambda folder: packed_zip(("mimetype", b"application/vnd"), ("content.xml", b"<x/>"))),
    ("an old Office document", lambda folder: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
    ("a PDF document", lambda folder: b"%PDF-1.7\n1 0 obj\n"),
    ("a PNG image", lambda folder: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    ("a JPEG image", lambda folder: b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
    ("a GIF image", lambda folder: b"GIF89a\x01\0\x01\0"),
    ("a Parquet file", lambda folder: table_file(parquet.write_table, folder)),
    ("an ORC file", lambda folder: table_file(orc.write_table, folder)),
    ("an Arrow file", lambda folder: table_file(feather.write_feather, folder)),
    ("an Avro file", lambda folder: b"Obj\x01\x04\x14avro.codec"),
    ("an SQLite database", sqlite_file),
    ("a 7z archive", lambda folder: b"7z\xbc\xaf\x27\x1c\0\x04"),
    ("a RAR archive", lambda folder: b"Rar!\x1a\x07\x01\0"),
    ("a program", lambda folder: Path("/proc/self/exe").read_bytes()[:4096]),
    ("a Python pickle", lambda folder: pickle.dumps([{"id": 1, "name": "x"}])),
    ("compressed with lz4", lambda folder: b"\x04\x22\x4d\x18\x64\x40\xa7"),
    ("nothing but zero bytes", lambda folder: b"\0" * 4096),
    ("binary content", lambda folder: bytes(range(256)) * 40),
    ("binary content", lambda folder: b"\x08\x96\x01\x12\x07orders\x1a\x05\x01\x02\x03\x04\x05\x06\x0e\x0f" * 9),
    ("binary content", lambda folder: gzip.compress(bytes(range(1, 255)) * 40)),
    ("binary content", lambda folder: b"".join(bytes([number % 90, 0]) for number in range(5000))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "make"), OTHER, ids=[f"{number} {what}" for number, (what, _) in enumerate(OTHER)]
)
def test_other_content_is_refused_by_its_kind(
    what: str, make: Callable[[Path], bytes], tmp_path: Path
) -> None:
    message = problem_with(tmp_path, make(tmp_path))
    assert what in message and ("eliver" in message or "ompress" in message)


@pytest.mark.parametrize(
    "data",
    [
        b"i\0d,name\n1,x\n",
        b"id\0,name\n1,x\0\n",
        b"".join(b"%s,%s\n" % (one.ljust(40, b"\0"), two.ljust(30, b"\0")) for one, two in [(b"id", b"name"), (b"1", b"x")]),
        b"id,name\n" + b"1,x\n" * 9 + b"\0" * 5000,
        b"id,name\n1,\x01\x02\x03\x04\x05\x06\x07\x08\n",
        b"id\x01name\n1\x01x\n",
        b"ORCID,id,name\n1,2,3\n",
        b"eventid,DUCK,name\n1,2,3\n",
        b"PAR1,id\n1,2\n",
        b"id,name\n\x1b[31mred\x1b[0m,x\n\x1a",
        b"\x0b\x0c\n" * 3 + TEXT,
    ],
)  # fmt: skip
def test_zeros_and_control_characters_in_text_are_text(data: bytes, tmp_path: Path) -> None:
    assert plain(tmp_path, data) == PlainText(str(tmp_path / "a.csv"), "utf-8")


def test_the_larger_of_two_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompress, "RATIO_COUNTS_FROM", 100_000)
    small = FeedFormat(
        {"id": ("id",)}, ("id",), limits=Limits(max_inflated_bytes=500_000, max_inflation_ratio=10)
    )
    zeros = b"id\n" + b"1\n" * 300_000
    for pack in PACKERS.values():
        assert "max_inflation_ratio" in problem_with(tmp_path, pack(zeros[:300_000]), small)
        random = os.urandom(300_000).hex().encode()
        assert "500000 bytes" in (message := problem_with(tmp_path, pack(random), small))
        assert "max_inflated_bytes" in message
        assert read(tmp_path, pack(zeros[:100_000]), small) == zeros[:100_000]
        assert read(tmp_path, pack(random[:499_000]), small) == random[:499_000]


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    """Three gigabytes in three megabytes, and worse."""
    block = b"\0" * (64 << 20)
    made = {"gzip": gzip.compress(block, mtime=0) * 47, "bzip2": bz2.compress(block) * 60}
    made["xz"] = lzma.compress(block, preset=1) * 40
    made["zstd"] = zstandard.compress(block) * 200
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as member:
        for _ in range(8):
            member.write(block)
    made["zip"] = out.getvalue()
    made["zip of bzip2"] = packed_zip(("a.csv", block * 3), method=zipfile.ZIP_BZIP2)
    made["gzip of gzip"] = gzip.compress(made["gzip"])
    return made


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd", "zip", "zip of bzip2", "gzip of gzip"])
def test_a_bomb_costs_a_moment(kind: str, bombs: dict[str, bytes], tmp_path: Path) -> None:
    begin = time.process_time()
    message = problem_with(tmp_path, bombs[kind])
    assert "max_inflation_ratio" in message or "zero bytes" in message, message
    assert time.process_time() - begin < 3
    (tmp_path / "bomb").write_bytes(bombs[kind])
    largest = 0
    with Content(str(tmp_path / "bomb"), Limits()) as content:
        with pytest.raises(UnreadableFileError, match="max_inflation_ratio"):
            for block in content.blocks:
                largest = max(largest, len(block))
        assert largest <= 130 << 20


def test_memory_that_a_stream_asks_for_is_limited(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=29)
    wide = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    assert "more memory" in problem_with(tmp_path, wide.compress(TEXT) + wide.flush())
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    packer = lzma.LZMACompressor(lzma.FORMAT_XZ, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 4096}])
    assert read(tmp_path, packer.compress(TEXT) + packer.flush()) == TEXT
    if os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") > 16 << 30:
        large = lzma.compress(TEXT, filters=filters)
        assert "more memory" in problem_with(tmp_path, large)


def test_what_fails_in_reading_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="could not be opened") as raised:
        plain_text(str(tmp_path / "none.csv"), tmp_path, FEED)
    assert raised.value.retry


def test_the_hash_is_that_of_the_delivered_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"")
    assert content_hash(str(path)) == "99aa06d3014798d86001c324468d497f"
    path.write_bytes(b"x" * (source.BLOCK + 1))
    long = content_hash(str(path))
    path.write_bytes(b"x" * source.BLOCK + b"y")
    assert content_hash(str(path)) != long and len(long) == 32


def test_a_stamp_tells_versions_apart_and_fits_into_64_bits(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"1")
    os.utime(path, ns=(0, 5))
    before = stamp(str(path))
    (tmp_path / "b.csv").write_bytes(b"2")
    os.utime(tmp_path / "b.csv", ns=(0, 5))
    (tmp_path / "b.csv").replace(path)
    after = stamp(str(path))
    assert before[:2] == after[:2] == (1, 5) and before.inode != after.inode
    for seconds, expected in ((1 << 34, (1 << 63) - 1), (-(1 << 35), -(1 << 63))):
        try:
            os.utime(path, (seconds, seconds))
        except OSError:
            continue
        if abs(path.stat().st_mtime) > 1e10:
            assert stamp(str(path)).modified_ns == expected

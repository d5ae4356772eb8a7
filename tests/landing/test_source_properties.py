"""Any text comes back from any encoding and compression; damage is never silent, slow or larger than it may be."""

import os
import random
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sluice.landing import decompress, delivered, limits, source
from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import FeedFormat, Limits, Options
from sluice.landing.rewrap import write_like
from sluice.landing.source import PlainText, plain_text, resolve_encoding

from .packers import PACKERS

FEED = FeedFormat({"key": ("key",), "name": ("name",)}, ("key",), limits=Limits(max_inflated_bytes=1 << 20))
relaxed = settings(
    max_examples=int(os.environ.get("SLUICE_EXAMPLES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
texts = st.lists(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]) | st.sampled_from("\t\0,;\"'é€"),
        max_size=30,
    ),
    max_size=12,
).map(lambda lines: "\n".join(["key,name", *lines, ""]))
layers = st.lists(st.sampled_from(sorted(set(PACKERS) - {"zip"})), max_size=1).flatmap(
    lambda inner: st.lists(st.sampled_from(sorted(PACKERS)), max_size=1).map(lambda outer: outer + inner)
)
MARKED = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
GIVEN = ["utf-16-le", "cp1252", "gb18030", "utf-7", "utf-8", "latin-1"]


def packed(data: bytes, kinds: list[str]) -> bytes:
    for kind in reversed(kinds):
        data = PACKERS[kind](data)
    return data


def in_small_blocks(data: bytes, feed: FeedFormat, folder: Path, block: int) -> PlainText:
    (folder / "a.csv").write_bytes(data)
    work = folder / "work"
    work.mkdir(exist_ok=True)
    with (
        patch.object(source, "BLOCK", block),
        patch.object(decompress, "BLOCK", block),
        patch.object(delivered, "BLOCK", block),
        patch.object(limits, "HEADER", max(block, 64)),
    ):
        return resolve_encoding(plain_text(str(folder / "a.csv"), work, feed), work)


@relaxed
@given(text=texts, kinds=layers, block=st.integers(1, 40) | st.just(1 << 18), data=st.data())
def test_any_text_comes_back_and_goes_back(
    text: str, kinds: list[str], block: int, data: st.DataObject
) -> None:
    marked = data.draw(st.sampled_from([None, *MARKED]))
    option = data.draw(st.sampled_from([None, *GIVEN])) if not marked else None
    try:
        raw = ("\ufeff" + text).encode(marked) if marked else text.encode(option or "utf-8")
        assume(not option or raw.decode(option) == text)
    except UnicodeEncodeError:
        assume(False)
    feed = FeedFormat(FEED.columns, FEED.key, options=Options(encoding=option))
    with tempfile.TemporaryDirectory() as name:
        found = in_small_blocks(packed(raw, kinds), feed, Path(name), block)
        assert Path(found.path).read_bytes().decode() == text
        assert found.encoding == (marked or option or "utf-8")
        assert found.layers == tuple(kinds)
        again = Path(name) / "again"
        with again.open("wb") as out:
            write_like(found.path, out, found, Path(name) / "a.csv")
        again.rename(Path(name) / "a.csv")
        back = in_small_blocks((Path(name) / "a.csv").read_bytes(), feed, Path(name), block)
        assert Path(back.path).read_bytes().decode() == text
        assert (back.encoding, back.layers, back.member, back.bom) == (
            found.encoding,
            found.layers,
            found.member,
            found.bom,
        )


@relaxed
@given(
    text=st.text(st.sampled_from("ab,;01 é€ü\n"), min_size=1, max_size=60),
    kinds=layers,
    block=st.integers(1, 20) | st.just(1 << 18),
)
def test_windows_1252_comes_back(text: str, kinds: list[str], block: int) -> None:
    raw = b"key,name\n" + text.encode("cp1252")
    try:
        raw.decode()
        is_utf8 = True
    except UnicodeDecodeError:
        is_utf8 = len(raw.decode("utf-8", "ignore").encode()) != sum(byte < 128 for byte in raw)
    with tempfile.TemporaryDirectory() as name:
        found = in_small_blocks(packed(raw, kinds), FEED, Path(name), block)
        assert found.encoding == ("utf-8" if is_utf8 else "windows-1252")
        assert Path(found.path).read_bytes() == (raw if is_utf8 else ("key,name\n" + text).encode())


@relaxed
@given(
    seed=st.integers(0, 1 << 20),
    kind=st.sampled_from(["gzip", "bzip2", "xz", "zstd", "zip"]),
    twice=st.booleans(),
    block=st.integers(1, 50) | st.just(1 << 18),
    data=st.data(),
)
def test_damage_is_never_silent(seed: int, kind: str, twice: bool, block: int, data: st.DataObject) -> None:
    """Cut or flipped, a compressed file gives its text, an error, a note, or what is not taken for compressed."""
    chance = random.Random(seed)
    text = b"key,name\n" + b"".join(
        b"%d,%x\n" % (n, chance.getrandbits(40)) for n in range(chance.randrange(200))
    )
    whole = PACKERS[kind](text) + (PACKERS[kind](text) if twice and kind != "zip" else b"")
    expected = text * 2 if twice and kind != "zip" else text
    if data.draw(st.booleans()):
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1))]
        expected = text if damaged == PACKERS[kind](text) else expected
    else:
        bits = bytearray(whole)
        for place in data.draw(st.lists(st.integers(0, 8 * len(whole) - 1), min_size=1, max_size=4)):
            bits[place // 8] ^= 1 << place % 8
        damaged = bytes(bits)
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        try:
            found = in_small_blocks(damaged, FEED, Path(name), block)
        except UnreadableFileError as problem:
            assert "key" not in str(problem) and not list((Path(name) / "work").iterdir())
        else:
            read = Path(found.path).read_bytes()
            assert read == expected or found.note or not found.layers, (read[-50:], found)
            assert len(read) <= 1 << 20
    assert time.process_time() - begin < 5


@relaxed
@given(
    st.binary(max_size=300) | st.binary(max_size=40).map(lambda tail: b"\x1f\x8b\x08" + tail),
    st.integers(1, 64),
)
def test_any_bytes_are_read_or_refused(data: bytes, block: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        try:
            found = in_small_blocks(data, FEED, Path(name), block)
        except UnreadableFileError:
            return
        if found.encoding == "utf-8" and not found.layers:
            assert found.path == str(Path(name) / "a.csv")

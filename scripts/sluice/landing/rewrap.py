"""Write a text the way a delivered file has it: in its encoding, compressed as it is."""

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import IO, Any

import zstandard

from sluice.landing.encoding import Encoding, encoded
from sluice.landing.source import PlainText, text_blocks


def write_like(text: str, target: IO[bytes], like: PlainText, delivered: Path) -> None:
    """Write UTF-8 text to the open file `target` as `like` was found in the file `delivered`.

    A zip gets one member, with the name, date and method of the one it has. Raises OSError.
    """
    with ExitStack() as stack:
        out = target
        for layer in like.layers:
            if layer == "zip":
                archive = stack.enter_context(zipfile.ZipFile(out, "w"))
                out = stack.enter_context(
                    archive.open(_like_member(delivered, like.member or ""), "w", force_zip64=True)
                )
            else:
                out = stack.enter_context(_compressor(layer, out))
        for block in text_as_found(text, like):
            out.write(block)


def _compressor(kind: str, out: IO[bytes]) -> AbstractContextManager[Any]:
    """A file that writes what it is given to another one, compressed."""
    if kind == "gzip":
        return gzip.GzipFile(fileobj=out, mode="wb", filename="")
    if kind == "bzip2":
        return bz2.BZ2File(out, "wb")
    if kind == "zstd":
        return zstandard.ZstdCompressor(write_checksum=True).stream_writer(out, closefd=False)
    return lzma.LZMAFile(out, "wb", format=lzma.FORMAT_XZ if kind == "xz" else lzma.FORMAT_ALONE)


def text_as_found(text: str, like: PlainText) -> Iterator[bytes]:
    """UTF-8 text in the encoding that `like` was found in, not compressed."""
    blocks: Iterable[bytes] = text_blocks(text)
    encoding = Encoding(like.encoding, like.bom)
    yield from blocks if encoding.is_utf8 else encoded(blocks, encoding)


def _like_member(delivered: Path, name: str) -> zipfile.ZipInfo:
    """What a zip says about one of its members, for another zip."""
    with zipfile.ZipFile(delivered) as archive:
        found = archive.getinfo(name)
    member = zipfile.ZipInfo(name, found.date_time)
    member.compress_type = found.compress_type
    member.external_attr = found.external_attr
    return member

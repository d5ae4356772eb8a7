"""From the file that was delivered to plain UTF-8 bytes: decompression and transcoding, both streamed."""

import codecs
import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from sluice.landing.errors import UnreadableFileError

BLOCK = 1 << 20
"""Bytes read or produced at once."""
UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True)
class Stamp:
    """Size in bytes and modification time in nanoseconds: what tells one version of a file from the next."""

    size_bytes: int
    modified_ns: int


def stamp(path: str) -> Stamp:
    """Size and time of a file as of now. Raises UnreadableFileError (retry) if it cannot be reached."""
    try:
        status = os.stat(path)  # noqa: PTH116 - the hot path of many small files
    except OSError as problem:
        raise unopened(problem) from problem
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFileError("This is not a regular file. Put a CSV file in its place.", retry=True)
    return Stamp(status.st_size, status.st_mtime_ns)


def open_file(path: str) -> BinaryIO:
    """The file, unbuffered. Raises UnreadableFileError (retry) if it cannot be opened."""
    try:
        return open(path, "rb", buffering=0)  # noqa: PTH123, SIM115
    except OSError as problem:
        raise unopened(problem) from problem


def unopened(problem: OSError) -> UnreadableFileError:
    """The error for a file that could not be opened or reached, with what to do about it."""
    remedy = {
        FileNotFoundError: "It was removed after it was listed; put it back or leave it out.",
        PermissionError: "Give the user of the build permission to read it.",
    }.get(type(problem), "Check the disk or network it lies on.")
    why = problem.strerror or type(problem).__name__
    return UnreadableFileError(f"The file could not be opened: {why}. {remedy}", retry=True)


def new_path(work_dir: Path, suffix: str) -> Path:
    """A name in the scratch folder that no other file has."""
    return work_dir / f"{uuid4().hex}{suffix}"


def plain_utf8(path: str, work_dir: Path) -> str:
    """The path of the same text as plain bytes, UTF-8 unless some of its bytes are wrong.

    That is the file itself, or a copy in `work_dir` for `.gz` and for UTF-16 (known by its byte order mark).
    Raises UnreadableFileError for broken gzip, for text that is not UTF-16 after all, if opening fails.
    """
    if path.lower().endswith(".gz"):
        path = _write(_inflated(path), new_path(work_dir, ".csv"))
    with open_file(path) as source:
        encoding = UTF16.get(source.read(2))
    if encoding:
        path = _write(_transcoded(path, encoding), new_path(work_dir, ".csv"))
    return path


def _write(blocks: Iterator[bytes], target: Path) -> str:
    with target.open("wb") as out:
        for block in blocks:
            out.write(block)
    return str(target)


def _blocks(path: str) -> Iterator[bytes]:
    with open_file(path) as source:
        while block := _read(source):
            yield block


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(BLOCK)
    except OSError as problem:
        raise UnreadableFileError(
            f"Reading the file failed: {problem.strerror}. Deliver it again."
        ) from problem


def _inflated(path: str) -> Iterator[bytes]:
    """The content of a gzip file of one or several members; zero bytes after the last are padding."""
    position = 0
    unpack = zlib.decompressobj(wbits=31)
    fresh, members = True, 0
    for block in _blocks(path):
        pending = block
        while pending:
            if fresh and members and not (pending := pending.lstrip(b"\0")):
                break
            try:
                yield unpack.decompress(pending, BLOCK)
            except zlib.error as problem:
                where = position + len(block) - len(pending)
                raise UnreadableFileError(
                    f"The gzip data is broken near byte {where}: {problem}. Compress and deliver it again."
                ) from problem
            fresh = unpack.eof
            pending = unpack.unused_data if fresh else unpack.unconsumed_tail
            if fresh:
                members += 1
                unpack = zlib.decompressobj(wbits=31)
        position += len(block)
    if not fresh:
        raise UnreadableFileError(
            f"The gzip data ends too early, after {position} bytes. Deliver the whole file again."
        )


def _transcoded(path: str, encoding: str) -> Iterator[bytes]:
    """UTF-16 as UTF-8, without the byte order mark."""
    decoder = codecs.getincrementaldecoder(encoding)()
    position = 0
    first = True
    for block in _blocks(path):
        yield _decode(decoder, block, position, encoding, final=False)[3 if first else 0 :]
        first = False
        position += len(block)
    yield _decode(decoder, b"", position, encoding, final=True)


def _decode(
    decoder: codecs.IncrementalDecoder, block: bytes, position: int, encoding: str, *, final: bool
) -> bytes:
    try:
        return decoder.decode(block, final).encode("utf-8")
    except UnicodeDecodeError as problem:
        raise UnreadableFileError(
            f"The file begins as {encoding.upper()}, but near byte {position + problem.start} it is not: "
            f"{problem.reason}. Deliver it again as UTF-8."
        ) from problem

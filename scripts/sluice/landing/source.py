"""From the file that was delivered to plain UTF-8 bytes: decompression and transcoding, both streamed."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import xxhash

from sluice.landing import limits
from sluice.landing.decompress import Content
from sluice.landing.delivered import BLOCK, unread
from sluice.landing.encoding import (
    WINDOWS_1252,
    Encoding,
    Utf8Scan,
    column_names,
    detect_encoding,
    transcoded,
)
from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import FeedFormat
from sluice.landing.kinds import refuse_binary, refuse_other_files
from sluice.landing.stamp import Stamp


@dataclass(frozen=True)
class PlainText:
    """A delivered file as UTF-8.

    Attributes:
        path: the file itself where nothing had to be done, or a copy (`is_copy`) in the work folder.
        encoding: what the file itself has: a name like 'utf-16-le', or the source's option.
        is_guessed: nothing in the file says so, only what its bytes look like.
        note: what was ignored of the file, for everybody, or None.
        is_checked: False where `encoding` is 'utf-8' because the beginning is; see resolve_encoding.
        layers: how it is compressed, outermost first; `member`: the name of the file in a zip.
        bom: the byte order mark that the copy lacks.
    """

    path: str
    encoding: str
    is_guessed: bool = False
    note: str | None = None
    is_checked: bool = False
    is_copy: bool = False
    layers: tuple[str, ...] = ()
    member: str | None = None
    bom: bytes = b""


def stamp(path: str) -> Stamp:
    """Size and times of a file as of now. Raises UnreadableFileError (retry) if it cannot be reached."""
    try:
        status = os.stat(path)  # noqa: PTH116 - the hot path of many small files
    except OSError as problem:
        raise unopened(problem) from problem
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFileError("This is not a regular file. Put a CSV file in its place.", retry=True)
    return Stamp.of(status)


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


def open_new(path: Path) -> BinaryIO:
    """A new file that only its owner can read (0600), to be written. Raises OSError."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)


def content_hash(path: str) -> str:
    """The xxh3_128 of a file's bytes as they were delivered, in hex. Raises UnreadableFileError."""
    digest = xxhash.xxh3_128()
    with open_file(path) as source:
        buffer = bytearray(BLOCK)
        view = memoryview(buffer)
        while count := _read_into(source, buffer):
            digest.update(view[:count])
    return digest.hexdigest()


def plain_text(path: str, work_dir: Path, feed: FeedFormat) -> PlainText:
    """A delivered file as UTF-8; what its content is decides, never its name.

    A file that begins as plain UTF-8 is looked at no further: where its records cannot be proven to be UTF-8, ask
    resolve_encoding. Raises UnreadableFileError for what cannot be decompressed or decoded, is larger than the feed's
    limits or is not text, and if reading fails; OSError if the work folder cannot be written.
    """
    try:
        content = Content(path, feed.limits)
    except OSError as problem:
        raise unopened(problem) from problem
    with content:
        head = content.blocks.peek(limits.HEADER + 2)
        refuse_other_files(head)
        encoding = detect_encoding(head, feed)
        if not encoding.is_wide:
            refuse_binary(head, column_names(feed))
        plain = PlainText(
            path,
            encoding.name,
            encoding.is_guessed,
            is_checked=encoding.is_given or not encoding.is_utf8,
            layers=content.layers,
            member=content.member,
            bom=encoding.bom,
        )
        if content.layers or not encoding.is_utf8:
            blocks = content.blocks if encoding.is_utf8 else transcoded(content.blocks, encoding)
            copy = _write(blocks, new_path(work_dir, ".csv"))
            plain = replace(plain, path=copy, is_copy=True, note=" ".join(content.notes) or None)
    if plain.is_checked or head.isascii():
        return plain
    scan = Utf8Scan()
    scan.look(head)
    return resolve_encoding(plain, work_dir) if scan.has_strays else plain


def resolve_encoding(plain: PlainText, work_dir: Path) -> PlainText:
    """Decide by the whole text whether it is UTF-8 or, if nothing beyond ASCII in it is, windows-1252.

    Bytes that are not UTF-8 stay in a text that has characters which are: they spoil their lines only. Otherwise the
    text is brought to UTF-8 in a copy, and an earlier copy is removed. Raises UnreadableFileError if reading fails,
    OSError if the work folder cannot be written.
    """
    if plain.is_checked:
        return plain
    scan = Utf8Scan()
    for block in text_blocks(plain.path):
        scan.look(block)
        if scan.is_mixed:
            break
    else:
        scan.look(b"", final=True)
    if scan.has_characters or not scan.has_strays:
        return replace(plain, is_checked=True)
    blocks = transcoded(text_blocks(plain.path), Encoding(WINDOWS_1252))
    copy = _write(blocks, new_path(work_dir, ".csv"))
    if plain.is_copy:
        Path(plain.path).unlink()
    return replace(plain, path=copy, encoding=WINDOWS_1252, is_guessed=True, is_checked=True, is_copy=True)


def _write(blocks: Iterable[bytes], target: Path) -> str:
    """The path of a new file that holds the blocks; it is removed if they cannot be had to the end."""
    try:
        with open_new(target) as out:
            for block in blocks:
                rest = memoryview(block)
                while rest:
                    rest = rest[out.write(rest) :]
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return str(target)


def text_blocks(path: str) -> Iterator[bytes]:
    """The bytes of a plain file. Raises UnreadableFileError."""
    with open_file(path) as source:
        while block := _read(source):
            yield block


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(BLOCK)
    except OSError as problem:
        raise unread(problem) from problem


def _read_into(source: BinaryIO, buffer: bytearray) -> int:
    try:
        return source.readinto(buffer)  # type: ignore[attr-defined]
    except OSError as problem:
        raise unread(problem) from problem

"""The content of a delivered file, decompressed where it is compressed: streamed, limited, checked to its end."""

import bz2
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol, Self

import zstandard

from sluice.landing.delivered import BLOCK, DeliveredFile
from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import Limits
from sluice.landing.kinds import compression_of
from sluice.landing.zip_member import open_member

RATIO_COUNTS_FROM = 64 << 20
"""Bytes that any file may hold, however small it is."""
MAX_LAYERS = 2
"""A file may be compressed, and compressed again."""
ZSTD_WINDOW = 128 << 20
"""What `zstd --long` needs, and the most that its command line decompresses without being asked to."""
XZ_MEMORY = 256 << 20
"""Four times what `xz -9` needs."""

_ERRORS = (zlib.error, OSError, lzma.LZMAError, zstandard.ZstdError, EOFError, ValueError)


class Decoder(Protocol):
    """A decompressor of one stream, as in the modules bz2 and lzma. It gives BLOCK bytes at once, zstd up to 64 MiB."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether all it was given is used up."""

    @property
    def unused_data(self) -> bytes:
        """What followed the end of the stream."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most so many bytes of what the data holds."""


class _Inflater:
    """zlib as a Decoder."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self._tail = b""

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._inner.decompress(self._tail + data, max_length)
        self._tail = self._inner.unconsumed_tail
        return out


class _ZstdDecoder:
    """zstandard as a Decoder. It knows no limit, so it gets little at once: 128 KiB may come from four bytes."""

    PIECE = 2048

    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj(
            write_size=1 << 16
        )
        self._waiting = memoryview(b"")

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._waiting

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data + bytes(self._waiting)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if data:
            self._waiting = memoryview(bytes(self._waiting) + data)
        out: list[bytes] = []
        size = 0
        while self._waiting and size < max_length and not self.eof:
            out.append(self._inner.decompress(self._waiting[: self.PIECE]))
            self._waiting = self._waiting[self.PIECE :]
            size += len(out[-1])
        return b"".join(out)


DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": _Inflater,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY),
    "lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=XZ_MEMORY),
    "zstd": _ZstdDecoder,
}


class Blocks:
    """Blocks of bytes whose beginning can be looked at."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held: list[bytes] = []

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, or all if there are fewer. They stay."""
        length = sum(map(len, self._held))
        while length < size and (block := next(self._blocks, None)) is not None:
            self._held.append(block)
            length += len(block)
        self._held = [b"".join(self._held)]
        return self._held[0][:size]

    def __iter__(self) -> Iterator[bytes]:
        held, self._held = self._held, []
        yield from filter(None, held)
        yield from self._blocks


class Content:
    """The decompressed content of a file. Use it in a `with` statement, and read `notes` when all was read.

    `layers` says how it is compressed, outermost first; `member` is the name of the file in a zip.
    """

    def __init__(self, path: str, limits: Limits | None) -> None:
        """Open a file that can be opened. No `limits`: it was read before, and may hold what it holds."""
        self.layers: tuple[str, ...] = ()
        self.member: str | None = None
        self.notes: list[str] = []
        self._limits = limits
        self._file = DeliveredFile(path)
        self.blocks = Blocks(self._file.blocks())
        try:
            while kind := compression_of(self.blocks.peek(16)):
                self._unpack(kind)
        except BaseException:
            self._file.close()
            raise

    def _unpack(self, kind: str) -> None:
        if len(self.layers) == MAX_LAYERS:
            raise UnreadableFileError(
                f"The file is compressed more than {MAX_LAYERS} times. Compress it once and deliver it again."
            )
        if kind == "zip":
            if self.layers:
                raise UnreadableFileError(
                    f"The file is a zip inside {self.layers[-1]}. Deliver the zip, or its CSV file compressed once."
                )
            self.member, inner = open_member(self._file)
        else:
            inner = _streams(kind, iter(self.blocks), self.notes)
        self.layers += (kind,)
        self.blocks = Blocks(self._limited(inner))

    def _limited(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        size = 0
        for block in blocks:
            size += len(block)
            if self._limits:
                _check(size, self._file.taken, self._limits)
            yield block

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def content_blocks(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The decompressed content of a file that was loaded before. Raises UnreadableFileError, OSError."""
    with Content(os.fspath(path), None) as content:
        yield from content.blocks


def _check(size: int, taken: int, limits: Limits) -> None:
    if size > limits.max_inflated_bytes:
        raise UnreadableFileError(
            f"The file holds more than {limits.max_inflated_bytes} bytes when it is decompressed. Split it, or raise the"
            " var max_inflated_bytes."
        )
    if size > RATIO_COUNTS_FROM and size > taken * limits.max_inflation_ratio:
        raise UnreadableFileError(
            f"The file becomes more than {limits.max_inflation_ratio} times larger when it is decompressed, like one that"
            " is made to fill the disk. Deliver it without compression, or raise the var max_inflation_ratio."
        )


def _streams(kind: str, blocks: Iterator[bytes], notes: list[str]) -> Iterator[bytes]:
    """What streams of one kind hold, one after the other. Zeros behind them are padding, other bytes are noted."""
    position = 0  # of the end of what is pending
    pending = b""
    decoder: Decoder | None = None
    streams = 0
    while True:
        if not pending and (decoder is None or decoder.needs_input):
            pending = next(blocks, b"")
            position += len(pending)
            if not pending:
                break
        if decoder is None:
            if streams and not (pending := pending.lstrip(b"\0")):
                continue
            while len(pending) < 16 and (more := next(blocks, b"")):
                pending += more
                position += len(more)
            if streams and compression_of(pending) != kind:
                rest = len(pending) + sum(map(len, blocks))
                notes.append(f"{rest} bytes after the end of the {kind} data were ignored.")
                return
            decoder = DECODERS[kind]()
        before = position - len(pending)
        try:
            block = decoder.decompress(pending, BLOCK)
        except _ERRORS as problem:
            raise _broken(kind, before, problem) from problem
        pending = b""
        if block:
            yield block
        if decoder.eof:
            pending = decoder.unused_data
            decoder = None
            streams += 1
    if decoder is not None:
        raise UnreadableFileError(
            f"The {kind} data ends too early, after {position} bytes. Deliver the whole file again."
        )


def _broken(kind: str, position: int, problem: Exception) -> UnreadableFileError:
    if "memory" in str(problem).lower():
        return UnreadableFileError(
            f"The {kind} data needs more memory to decompress than a file may have. Compress it with usual settings."
        )
    return UnreadableFileError(
        f"The {kind} data is broken near byte {position}: {problem}. Compress and deliver it again."
    )

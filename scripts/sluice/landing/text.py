"""A file's text: where its records begin, where they stop, and what quotes them."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Self

from sluice.landing import limits
from sluice.landing.decompress import BLOCK
from sluice.landing.dialect import SAMPLE, Dialect, dialect_of, quote_of, translate
from sluice.landing.feed import FeedFormat
from sluice.landing.header import LINE_END, Start, find_header
from sluice.landing.names import Names
from sluice.landing.source import open_file
from sluice.landing.surplus import Surplus, surplus_of


@dataclass(frozen=True)
class Text:
    """The text of a file: where its records begin and stop, and what quotes them.

    `head` is its beginning, all of it where it is not longer than limits.HEADER.
    """

    path: str
    head: bytes
    size: int
    stop: int
    start: Start
    quote: bytes

    @property
    def top(self) -> bytes:
        """What stands above the records."""
        return self.head[: self.start.data_start]

    @classmethod
    def of(cls, path: str, names: Names, feed: FeedFormat) -> Self:
        """Look at the beginning and the end. Raises UnreadableFileError if there is no header."""
        with open_file(path) as source:
            size = source.seek(0, os.SEEK_END)
            source.seek(0)
            head = source.read(limits.HEADER + 2)
            stop = _stop(source, head, size)
        start = _find_start(head, size, names, feed)
        return cls(path, head, size, stop, start, quote_of(head, start, feed))

    def readable(self, names: Names, feed: FeedFormat, work_dir: Path) -> tuple[Self, Dialect]:
        """The text as RFC 4180 reads it: itself, or a copy with other quotes. Raises UnreadableFileError."""
        dialect = dialect_of(self.path, self.quote, self.start.header, feed)
        if dialect.is_usual:
            return self, dialect
        path = translate(self.path, dialect, work_dir)
        with open_file(path) as source:
            head = source.read(limits.HEADER + 2)
        start = _find_start(head, self.size, names, feed)
        return replace(self, path=path, head=head, start=start), dialect

    def surplus(self, names: Names) -> Surplus:
        """What the first rows have behind their last column. Raises UnreadableFileError, see surplus_of."""
        sample = self.head[self.start.data_start : self.stop][:SAMPLE]
        return surplus_of(LINE_END.split(sample), self.start.header, names)


def _find_start(head: bytes, size: int, names: Names, feed: FeedFormat) -> Start:
    return find_header(head, names, feed, whole=len(head) >= size)


def _stop(source: BinaryIO, head: bytes, size: int) -> int:
    """Where the text ends: before Ctrl-Z, which ends text in old systems, and whatever line ends are around it."""
    at = size
    while at:
        block_start = max(at - BLOCK, 0)
        if len(head) >= size:
            block = head[:at]
        else:
            source.seek(block_start)
            block = source.read(at - block_start)
        kept = len(block.rstrip(b"\x1a\r\n"))
        first = block.find(b"\x1a", kept)
        if kept or first < 0 or block_start == 0:
            return block_start + first if first >= 0 else at
        at = block_start + first
    return at

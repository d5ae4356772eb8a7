"""Look at a landing file once: is it regular, and if not, what of it can be read, and what is wrong?

A file is *regular* when DuckDB's `read_csv`, told header, delimiter and line end, returns every record whole
from the file itself: UTF-8 (with or without byte order mark), one kind of line end (LF or CRLF), the header
on the first line and nowhere else, no empty lines, every record as wide as the header, quoting as in RFC 4180, no
record above 1 MiB, none without a second value. All other files get normalised copies that are, next to a list of
the records that could not be brought into them.

Do not write `strict_mode=true` in the call: DuckDB 1.5.5 then returns no row at all of a file with CRLF and a
header. Left out, it is strict and right.
"""

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import xxhash

from sluice.landing.dialect import one_byte
from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import FeedFormat
from sluice.landing.names import Header, Names
from sluice.landing.normalise import normalise
from sluice.landing.output import Aside, LineRuns, write_lines
from sluice.landing.proof import Layout, Prover, record_lines
from sluice.landing.source import (
    content_hash,
    new_path,
    open_file,
    plain_text,
    resolve_encoding,
    stamp,
)
from sluice.landing.stamp import Stamp
from sluice.landing.text import Text
from sluice.landing.window import Window

THREADS = 2
PATTERN = re.compile(r"[*?\[\]{}]")
"""What DuckDB's `read_csv` takes for a pattern in a path."""


@dataclass
class FilePart:
    """A run of records under one header, as `read_csv` finds it in `read_path`, quoted with `"`.

    `columns[i]` is the feed's column that field i is, or None; `extra[i]` is then its label in `_extra`. Record k of
    the part (from 0) begins in line `first_line + k` of the delivered file, unless the inspection's `lines_path` says
    otherwise. `quoted_newlines`: a line feed stands inside quotes, which DuckDB reads reliably only with
    `parallel=false`.
    """

    columns: list[str | None]
    extra: list[str | None]
    read_path: str
    delimiter: str
    newline: str
    has_header: bool
    quoted_newlines: bool
    record_count: int
    first_line: int


@dataclass
class Inspection:
    """What was found in one file.

    If `error` is set, the file cannot be loaded (`retry`: it may be fine, try again without waiting for a change);
    `error` is for everybody, `error_detail` for operators. `is_unchanged`: the content is what it was, nothing else was
    looked at. Otherwise `parts` hold `records_read - fault_count` records. `faults_path` is a Parquet file of
    (number, reason, raw_record, line), `lines_path` one of (number, part, ordinal, line): record k of a part stands in
    line + (k - ordinal) of its last run with ordinal <= k. Files that are inspected together share both; `number` is
    the place of the file among them, from 0. Sizes and times (nanoseconds since 1970, UTC) were taken before reading.
    """

    number: int = 0
    error: str | None = None
    error_detail: str | None = None
    retry: bool = False
    is_unchanged: bool = False
    note: str | None = None
    content_hash: str | None = None
    size_bytes: int = 0
    modified_ns: int = 0
    changed_ns: int = 0
    inode: int = 0
    encoding: str | None = None
    is_encoding_guessed: bool = False
    delimiter: str | None = None
    header_kind: str | None = None
    skipped_lines: int = 0
    records_read: int | None = None
    fault_count: int = 0
    faults_path: str | None = None
    parts: list[FilePart] = field(default_factory=list)
    lines_path: str | None = None


def inspect_file(path: str, feed: FeedFormat, work_dir: Path, known_hash: str | None = None) -> Inspection:
    """Inspect one file.

    Args:
        path: the file.
        feed: its columns, key, options and limits.
        work_dir: folder for copies, made if need be; what is in it belongs to the caller.
        known_hash: of the content that was loaded before, if any.

    Never raises for what is in the file or for its absence; OSError if `work_dir` cannot be written.
    """
    return inspect_files([path], [known_hash], feed, work_dir)[0]


def inspect_files(
    paths: Sequence[str], known_hashes: Sequence[str | None], feed: FeedFormat, work_dir: Path
) -> list[Inspection]:
    """Inspect several files, two at a time; the answers are in the order of `paths`. See `inspect_file`."""
    work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = Names(feed)

    aside = Aside(work_dir)

    def inspect(number: int) -> Inspection:
        return _Look(number, paths[number], feed, names, work_dir, aside).inspect(known_hashes[number])

    with aside.faults, aside.lines:
        if len(paths) < 2:
            return [inspect(number) for number in range(len(paths))]
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(inspect, range(len(paths))))


class _Look:
    """One look at one file."""

    def __init__(
        self, number: int, path: str, feed: FeedFormat, names: Names, work_dir: Path, aside: Aside
    ) -> None:
        self._number = number
        self._aside = aside
        self._path = path
        self._feed = feed
        self._names = names
        self._work_dir = work_dir
        self._found = Inspection()

    def inspect(self, known_hash: str | None) -> Inspection:
        """What the file is. See `inspect_file`."""
        before = Stamp(0, 0, 0, 0)
        try:
            before = stamp(self._path)
            self._read(known_hash)
            if stamp(self._path) != before:
                raise UnreadableFileError(
                    "The file changed while it was read. It is tried again.", retry=True
                )
        except UnreadableFileError as problem:
            self._found = Inspection(
                error=str(problem),
                error_detail=problem.detail,
                retry=problem.retry,
                content_hash=self._found.content_hash or (None if problem.retry else self._hash()),
            )
        found = self._found
        found.number = self._number
        found.size_bytes, found.modified_ns, found.changed_ns, found.inode = before
        return found

    def _hash(self) -> str | None:
        """The hash of a file that could not be loaded, if it can be had."""
        try:
            return content_hash(self._path)
        except UnreadableFileError:
            return None

    def _read(self, known_hash: str | None) -> None:
        found = self._found
        if known_hash is not None:
            found.content_hash = content_hash(self._path)
            found.is_unchanged = found.content_hash == known_hash
            if found.is_unchanged:
                return
        if self._feed.options.delimiter:
            one_byte("delimiter", self._feed.options.delimiter)
        plain = plain_text(self._path, self._work_dir, self._feed)
        text = Text.of(plain.path, self._names, self._feed)
        if found.content_hash is None and text.path == self._path and len(text.head) == text.size:
            found.content_hash = xxhash.xxh3_128_hexdigest(text.head)
        if not self._prove(text):
            resolved = resolve_encoding(plain, self._work_dir)
            is_other = resolved.path != plain.path
            plain = resolved
            if is_other:
                text = Text.of(plain.path, self._names, self._feed)
            if not is_other or not self._prove(text):
                self._normalise(text)
        if found.content_hash is None:
            found.content_hash = content_hash(self._path)
        found.note, found.encoding, found.is_encoding_guessed = plain.note, plain.encoding, plain.is_guessed
        found.delimiter = text.start.header.delimiter
        found.header_kind, found.skipped_lines = text.start.kind, text.start.skipped_lines

    def _prove(self, text: Text) -> bool:
        """Count the records of a regular file; False if it is not regular."""
        start, header, found = text.start, text.start.header, self._found
        if not start.is_plain or text.quote != b'"' or text.stop != text.size:
            return False
        if self._feed.options.escape not in (None, '"'):
            return False
        prover = Prover(Layout(ord(header.delimiter), header.width, start.crlf), self._names)
        runs, quoted_newlines, line = LineRuns(), False, start.line
        digest = None
        if text.path == self._path and found.content_hash is None:
            digest = xxhash.xxh3_128(text.top)
        with open_file(text.path) as source:
            seen = digest.update if digest else None
            window = Window(source, start.data_start, text.stop, crlf=start.crlf, seen=seen)
            while window.size:
                proven = prover.prove(window)
                if proven is None:
                    return False
                if not proven.records:
                    if window.ended or window.is_full:
                        return False
                    window.grow()
                    continue
                if proven.inner_lines:
                    lines, count = record_lines(window.array[: proven.size], proven.ends)
                    runs.add_each(lines + line)
                    line += count
                else:
                    runs.add(line, proven.records)
                    line += proven.records
                quoted_newlines |= proven.quoted_newlines
                window.drop(proven.size)
        if digest:
            found.content_hash = digest.hexdigest()
        found.records_read = runs.count
        found.lines_path = write_lines(self._aside.lines, self._number, [runs])
        newline = start.newline.decode() or "\n"
        part = self._part(header, text.path, newline, runs, has_header=start.kind != "none")
        part.quoted_newlines = quoted_newlines
        if PATTERN.search(text.path):
            part.read_path = str(new_path(self._work_dir, ".csv"))
            os.symlink(os.path.abspath(text.path), part.read_path)  # noqa: PTH100, PTH211 - bytes as they are
        found.parts = [part]
        return True

    def _normalise(self, text: Text) -> None:
        """Copy the good records of a file, and tell the others."""
        found = self._found
        text, dialect = text.readable(self._names, self._feed, self._work_dir)
        result = normalise(
            text, self._names, self._feed, dialect, self._work_dir, aside=self._aside, number=self._number
        )
        found.records_read, found.fault_count = result.records, result.faults
        found.faults_path, found.lines_path = result.faults_path, result.lines_path
        for part in result.parts:
            header = replace(part.header, columns=part.header.columns[: part.width])
            shown = self._part(header, part.path, "\n", part.runs, has_header=False)
            shown.quoted_newlines = part.quoted_newlines
            found.parts.append(shown)

    def _part(self, header: Header, path: str, newline: str, runs: LineRuns, *, has_header: bool) -> FilePart:
        return FilePart(
            columns=list(header.columns),
            extra=list(header.extra[: header.width]),
            read_path=path,
            delimiter=header.delimiter,
            newline=newline,
            has_header=has_header,
            quoted_newlines=False,
            record_count=runs.count,
            first_line=runs.first,
        )

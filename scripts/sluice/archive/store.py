"""The Parquet files of the archive: write them, list what they hold, and get a landing file back.

A file `archive/<feed>/ingest_date=YYYY-MM-DD/<time>-<number>.parquet` holds whole landing files, one row per line of
text: `file` (its path below landing/) and `line` (the bytes with their line end, after decompression). The footer names
the landing files in it, with the size and time that tell versions apart, so that listing reads nothing else. Written
aside, synced, read back, renamed: a file with its final name is whole. Of two copies of one landing file the one with
the greater Parquet name is the newer.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from sluice import durable

LISTED = b"sluice_files"
SCHEMA = pa.schema([("file", pa.string()), ("line", pa.large_binary())])
BATCH_BYTES = 8 << 20
BLOCK = 1 << 20


class ArchiveError(Exception):
    """The archive is not what it should be; the message names the file and what to do."""


@dataclass(frozen=True)
class Archived:
    """One landing file in the archive: its identity, and the rows of its lines."""

    file: str
    ingest_date: str
    size_bytes: int
    modified_ns: int
    first_row: int
    rows: int
    path: str = ""
    """The Parquet file, absolute."""


class Bundle:
    """A Parquet file of the archive that is being written. Nothing is there under its name until `finish`."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.bytes = 0
        self._aside = durable.Aside(target)
        self._writer = parquet.ParquetWriter(
            self._aside.file, SCHEMA, compression="zstd", use_dictionary=["file"], write_page_checksum=True
        )
        self._files: list[Archived] = []
        self._digests: list[bytes] = []
        self._rows = 0

    def add(
        self, file: str, ingest_date: str, size_bytes: int, modified_ns: int, blocks: Iterable[bytes]
    ) -> None:
        """Add a landing file: its bytes, in blocks, already decompressed."""
        first, digest = self._rows, hashlib.sha256()
        lines: list[bytes] = []
        pending = 0
        for line in _lines(blocks):
            digest.update(line)
            lines.append(line)
            pending += len(line)
            if pending > BATCH_BYTES:
                self._write(file, lines)
                lines, pending = [], 0
        self._write(file, lines)
        self._digests.append(digest.digest())
        self._files.append(Archived(file, ingest_date, size_bytes, modified_ns, first, self._rows - first))

    def _write(self, file: str, lines: list[bytes]) -> None:
        if lines:
            columns = [pa.array([file] * len(lines), pa.string()), pa.array(lines, pa.large_binary())]
            self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))
            self._rows += len(lines)
            self.bytes += sum(map(len, lines))

    def finish(self) -> list[Archived]:
        """Put the file in place, after reading it back. Raises ArchiveError if it does not hold what was added."""
        listed = [
            {name: value for name, value in asdict(entry).items() if name != "path"} for entry in self._files
        ]
        self._writer.add_key_value_metadata({LISTED.decode(): json.dumps(listed)})
        self._writer.close()
        self._aside.sync()
        for entry, expected in zip(list_bundle(self._aside.path), self._digests, strict=True):
            digest = hashlib.sha256()
            for line in read_lines(entry):
                digest.update(line)
            if digest.digest() != expected:
                raise ArchiveError(
                    f"{self._aside.path} does not hold what was written for {entry.file}; check the disk"
                )
        self._aside.finish()
        return list_bundle(self.target)

    def give_up(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError, pa.ArrowException):  # the rest may not fit a full disk
            self._writer.close()
        self._aside.give_up()


def list_archive(
    folder: Path, unreadable: Callable[[Path, ArchiveError], None] | None = None
) -> list[Archived]:
    """The newest copy of each landing file below a feed's folder of the archive, or below the whole archive.

    Args:
        unreadable: told of each Parquet file that cannot be read, which is then left out; without it the first raises.
    """
    newest: dict[str, Archived] = {}
    for path in bundles(folder):
        try:
            newest.update({entry.file: entry for entry in list_bundle(path)})
        except ArchiveError as problem:
            if unreadable is None:
                raise
            unreadable(path, problem)
    return [newest[file] for file in sorted(newest, key=str.encode)]


def bundles(folder: Path) -> list[Path]:
    """The Parquet files below a feed's folder of the archive, or below the whole archive, oldest first."""
    found = [path for path in folder.rglob("ingest_date=*/*.parquet") if not path.name.startswith(".")]
    return sorted(found, key=lambda path: path.name)


def read_lines(entry: Archived) -> Iterator[bytes]:
    """The lines of an archived landing file, each with its line end."""
    with parquet.ParquetFile(entry.path, page_checksum_verification=True) as bundle:
        row = 0
        last = entry.first_row + entry.rows
        for group in range(bundle.num_row_groups):
            count = bundle.metadata.row_group(group).num_rows
            if row < last and row + count > entry.first_row:
                column = bundle.read_row_group(group, columns=["line"]).column(0)
                start = max(entry.first_row - row, 0)
                yield from column.slice(start, min(last - row, count) - start).to_pylist()
            row += count


def restore(entry: Archived, target: Path) -> None:
    """Write the text of an archived landing file to `target`. Raises ArchiveError, and leaves no target, when its lines
    cannot be read."""
    durable.create(target)
    try:
        with target.open("wb", buffering=BLOCK) as out:
            out.writelines(read_lines(entry))
    except (OSError, pa.ArrowException) as problem:
        target.unlink(missing_ok=True)
        raise ArchiveError(_unreadable(entry.path, problem)) from problem


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest


def list_bundle(path: Path) -> list[Archived]:
    """The landing files in one Parquet file. Raises ArchiveError if it cannot be read."""
    try:
        metadata = parquet.read_metadata(path).metadata or {}
        return [Archived(**entry, path=str(path)) for entry in json.loads(metadata[LISTED])]
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException) as problem:
        raise ArchiveError(_unreadable(path, problem)) from problem


def _unreadable(path: Path | str, problem: Exception) -> str:
    first = str(problem).partition("\n")[0]
    return f"{path} cannot be read as a file of the archive ({first}). Bring it back from a backup, or move it away."

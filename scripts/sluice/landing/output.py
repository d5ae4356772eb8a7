"""What is written for a file that is not regular: normalised copies of its good records, and its faults."""

import re
from array import array
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np
import pyarrow as pa

from sluice.landing.dialect import USUAL, Dialect
from sluice.landing.header import BOM
from sluice.landing.names import Header
from sluice.landing.source import new_path, open_new

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetWriter

FAULT_SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        ("reason", pa.large_string()),
        ("raw_record", pa.large_string()),
        ("line", pa.int64()),
    ]
)
LINE_SCHEMA = pa.schema(
    [("number", pa.int64()), ("part", pa.int64()), ("ordinal", pa.int64()), ("line", pa.int64())]
)
FLUSH_BYTES = 8 << 20


class LineRuns:
    """In which line of the delivered file each record of a part begins, as runs of records in lines that follow each
    other: record k stands in line `line + (k - ordinal)` of the last run with ordinal <= k."""

    def __init__(self) -> None:
        """No record yet."""
        self.count = 0
        self.ordinals = array("q")
        self.lines = array("q")
        self._ahead: int | None = None

    def add(self, line: int, records: int = 1) -> None:
        """Count records of which the first begins in `line` and each other one line after the one before."""
        if line - self.count != self._ahead:
            self._ahead = line - self.count
            self.ordinals.append(self.count)
            self.lines.append(line)
        self.count += records

    def add_each(self, lines: Iterable[int] | np.ndarray) -> None:
        """Count records that begin in these lines."""
        lines = np.asarray(lines, np.int64)
        ordinals = self.count + np.arange(len(lines))
        ahead = lines - ordinals
        before = self._ahead if self._ahead is not None else int(ahead[0]) - 1
        new = np.flatnonzero(np.diff(ahead, prepend=before))
        self.ordinals.frombytes(ordinals[new].tobytes())
        self.lines.frombytes(lines[new].tobytes())
        self.count += len(lines)
        self._ahead = int(ahead[-1])

    @property
    def first(self) -> int:
        """The line of the first record, 0 if there is none."""
        return self.lines[0] if self.lines else 0


class Part:
    """A copy of records of one layout, without header line: UTF-8, LF, RFC 4180, every record of full width."""

    def __init__(self, work_dir: Path, header: Header, width: int, dialect: Dialect = USUAL) -> None:
        """Create the copy in `work_dir`, `width` columns of the header wide. Raises OSError if that fails."""
        path = new_path(work_dir, ".csv")
        self.path = str(path)
        self.header = header
        self.width = width
        self.runs = LineRuns()
        self.quoted_newlines = False
        self._out: BinaryIO = open_new(path)
        self._pending: list[bytes] = []
        self._size = 0
        self._delimiter = header.delimiter.encode()
        self._unsafe = re.compile(b'["\r\n]|' + BOM)
        self._special = re.compile(b'["\r\n' + re.escape(self._delimiter) + b"]|" + BOM)
        self._dialect = dialect

    def close(self) -> None:
        """Write what is pending."""
        self._flush()
        self._out.close()

    def add_record(self, values: list[bytes], line: int) -> None:
        """Add a record that begins in `line`."""
        if not self._dialect.is_usual:
            values = [self._dialect.value(value) for value in values]
        text = self._delimiter.join(values)
        if text.count(self._delimiter) + 1 != len(values) or self._unsafe.search(text):
            values = [self._quoted(value) for value in values]
            text = self._delimiter.join(values)
            self.quoted_newlines |= b"\n" in text
        self.runs.add(line)
        self._write(text + self._delimiter * (self.width - len(values)) + b"\n")

    def add_text(self, text: bytes | bytearray, line: int, records: int) -> None:
        """Add regular records as they are, each ending in LF and none holding one."""
        self.runs.add(line, records)
        self._write(self._without_bom(text))

    def add_text_lines(self, text: bytes | bytearray, lines: np.ndarray) -> None:
        """Add regular records as they are, some of which may hold line feeds; they begin in these lines."""
        self.runs.add_each(lines)
        self.quoted_newlines = True
        self._write(self._without_bom(text))

    def _without_bom(self, text: bytes | bytearray) -> bytes | bytearray:
        """DuckDB leaves out a BOM at the beginning of a file, even where it is part of a value."""
        if self._size or not text.startswith(BOM):
            return text
        end = re.compile(re.escape(self._delimiter) + b"|\n").search(text)
        assert end is not None, "records end in LF"
        return b'"' + text[: end.start()] + b'"' + text[end.start() :]

    def _write(self, text: bytes | bytearray) -> None:
        self._pending.append(bytes(text))
        self._size += len(text)
        if len(self._pending) > 1000 or len(text) > 1 << 16:
            self._flush()

    def _flush(self) -> None:
        self._out.write(b"".join(self._pending))
        self._pending = []

    def _quoted(self, value: bytes) -> bytes:
        return b'"' + value.replace(b'"', b'""') + b'"' if self._special.search(value) else value


class LongText:
    """The raw text of a fault that arrives piece by piece, of which only the beginning is kept."""

    def __init__(self, limit: int) -> None:
        """Keep `limit` bytes."""
        self._limit = limit
        self._kept = bytearray()
        self._size = 0
        self._end = b""

    def add(self, text: bytes | bytearray | memoryview) -> None:
        """Append a piece."""
        self._kept += text[: max(self._limit - self._size, 0)]
        self._size += len(text)
        self._end = (self._end + bytes(text[-2:]))[-2:]

    def text(self) -> bytes:
        """What was kept, without a line end; with a note where that is not all."""
        size = self._size - len(re.search(rb"(?:\r\n|\n|\r|)\Z", self._end)[0])  # type: ignore[index]
        return cut_text(bytes(self._kept), size) if size > self._limit else bytes(self._kept[:size])


def cut_text(kept: bytes, size: int) -> bytes:
    """The beginning of a text of `size` bytes, with a note."""
    while kept and kept[-1] & 0xC0 == 0x80:
        kept = kept[:-1]
    if kept and kept[-1] > 127:
        kept = kept[:-1]
    return kept + b" [cut; %d bytes in all]" % size


class SharedTable(AbstractContextManager["SharedTable"]):
    """Rows that many files have little of each, in one Parquet file, which is created with the first of them.

    Threads may write at the same time; the rows of one file keep their order.
    """

    def __init__(self, work_dir: Path, schema: pa.Schema) -> None:
        """Rows of this schema will be written to `work_dir`."""
        self.path = str(new_path(work_dir, ".parquet"))
        self._schema = schema
        self._lock = Lock()
        self._pending: list[pa.RecordBatch] = []
        self._size = 0
        self._writer: ParquetWriter | None = None
        self._out: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pending:
            self._flush()
        if self._writer is not None and self._out is not None:
            self._writer.close()
            self._out.close()

    def write(self, columns: list[pa.Array]) -> None:
        """Append rows. Raises OSError."""
        batch = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        with self._lock:
            self._pending.append(batch)
            self._size += batch.nbytes
            if self._size > FLUSH_BYTES:
                self._flush()

    def _flush(self) -> None:
        if self._writer is None:
            from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - slow to import, seldom needed

            self._out = open_new(Path(self.path))
            self._writer = ParquetWriter(
                self._out, self._schema, use_dictionary=False, write_statistics=False, store_schema=False
            )
        self._writer.write_table(pa.Table.from_batches(self._pending, self._schema))
        self._pending, self._size = [], 0


class Aside:
    """What is kept of the files that are looked at together, beside their records: faults, and runs of lines."""

    def __init__(self, work_dir: Path) -> None:
        """Both will be written to `work_dir`. Close them."""
        self.faults = SharedTable(work_dir, FAULT_SCHEMA)
        self.lines = SharedTable(work_dir, LINE_SCHEMA)


class FaultWriter(AbstractContextManager["FaultWriter"]):
    """The faulty records of one file, one row each."""

    def __init__(self, table: SharedTable, number: int) -> None:
        """Faults of the file `number` will be written to `table`."""
        self._table = table
        self._number = number
        self._reasons: list[bytes] = []
        self._raw: list[bytes] = []
        self._lines: list[int] = []
        self._pending = 0
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reasons:
            self._flush()

    def add(self, reason: str, raw: bytes, line: int) -> None:
        """Keep one faulty record: its raw text, bytes that are not UTF-8 as `\\xNN`."""
        if not raw.isascii():
            raw = raw.decode("utf-8", "backslashreplace").encode()
        self._reasons.append(reason.encode())
        self._raw.append(raw)
        self._lines.append(line)
        self.count += 1
        self._pending += len(raw) + 100
        if self._pending > FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        numbers = _numbers(np.full(len(self._lines), self._number))
        lines = _numbers(np.array(self._lines, np.int64))
        self._table.write([numbers, _texts(self._reasons), _texts(self._raw), lines])
        self._reasons, self._raw, self._lines, self._pending = [], [], [], 0


def write_lines(table: SharedTable, number: int, parts: list[LineRuns]) -> str | None:
    """Write the runs of lines of the parts of the file `number`; where to. None if none has more than one run."""
    if all(len(part.lines) < 2 for part in parts):
        return None
    for place, part in enumerate(parts):
        table.write(
            [
                _numbers(np.full(len(part.lines), number)),
                _numbers(np.full(len(part.lines), place)),
                _numbers(np.frombuffer(part.ordinals, np.int64)),
                _numbers(np.frombuffer(part.lines, np.int64)),
            ]
        )
    return table.path


def _numbers(values: np.ndarray) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def _texts(values: list[bytes]) -> pa.Array:
    """An Arrow column of UTF-8 texts. `pa.array` would do, but it imports pandas where that is installed."""
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum([len(value) for value in values], out=offsets[1:])
    return pa.LargeStringArray.from_buffers(
        len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(values))
    )

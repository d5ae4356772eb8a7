"""What is written for a file that is not regular: a normalised copy of its good records, and its faults."""

import re
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from sluice.landing.header import BOM
from sluice.landing.source import new_path

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetWriter

FAULT_SCHEMA = pa.schema([("reason", pa.large_string()), ("raw_record", pa.large_string())])
FLUSH_BYTES = 8 << 20


class CopyWriter:
    """A copy without header line: UTF-8, LF, RFC 4180, every record of full width."""

    def __init__(self, work_dir: Path, delimiter: str) -> None:
        """Create the copy in `work_dir`. Raises OSError if that fails."""
        self.path = str(new_path(work_dir, ".csv"))
        self._out = open(self.path, "wb", buffering=1 << 20)  # noqa: PTH123, SIM115
        self._delimiter = delimiter.encode()
        self._special = re.compile(b'["\r\n' + re.escape(self._delimiter) + b"]|" + BOM)
        delimiter = re.escape(self._delimiter)
        quoted, bare = rb'"[^"]*+(?:""[^"]*+)*+"', rb'[^"\r\n' + delimiter + rb"]*+"
        part = rb"(?>" + quoted + rb"|" + bare + rb")"
        self._strict = re.compile(part + rb"(?:" + delimiter + part + rb")*+")
        quoted, bare = rb'"([^"]*+(?:""[^"]*+)*+)"', rb"([^" + delimiter + rb"]*+)"
        self._field = re.compile(rb"(?>" + quoted + rb"|" + bare + rb")(?:" + delimiter + rb"|\Z)")
        self._opening = self._delimiter + b'"'
        self._empty = True
        self.quoted_newlines = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._out.close()

    def add_record(self, text: bytes) -> None:
        """Add a record of the right width, without its line end; lax quoting is made strict."""
        if self._empty and text.startswith(BOM):
            text = self._delimiter.join(self._requoted(text))
        elif not text.startswith(b'"') and self._opening not in text:
            fields = text.replace(b'"', b'""').split(self._delimiter)
            text = self._delimiter.join(
                [b'"' + value + b'"' if b'"' in value or b"\r" in value else value for value in fields]
            )
        elif not self._strict.fullmatch(text):
            text = self._delimiter.join(self._requoted(text))
        if b"\n" in text:
            self.quoted_newlines = True
        self._empty = False
        self._out.write(text)
        self._out.write(b"\n")

    def add_records(self, text: bytes | bytearray | memoryview) -> None:
        """Add regular records as they are, each ending in LF."""
        if self._empty and bytes(text[:3]) == BOM:
            first, text = bytes(text).split(b"\n", 1)
            self.add_record(first)
        if len(text):
            self._empty = False
            self._out.write(text)

    def _requoted(self, text: bytes) -> list[bytes]:
        fields = []
        at = 0
        while at <= len(text):
            match = self._field.match(text, at)
            assert match is not None, "only well-formed records are added"
            quoted, bare = match.groups()
            value = bare if quoted is None else quoted.replace(b'""', b'"')
            fields.append(self._quoted(value))
            if match.end() == len(text) and not text.endswith(self._delimiter, match.start(), match.end()):
                break
            at = match.end()
        return fields

    def _quoted(self, value: bytes) -> bytes:
        return b'"' + value.replace(b'"', b'""') + b'"' if self._special.search(value) else value


class FaultWriter:
    """Faulty records, one row each, in a Parquet file that is created with the first of them."""

    def __init__(self, work_dir: Path) -> None:
        """Faults will be written to `work_dir`."""
        self._work_dir = work_dir
        self._writer: ParquetWriter | None = None
        self._reasons: list[bytes] = []
        self._raw: list[bytes] = []
        self._pending = 0
        self.path: str | None = None
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()
        if self._writer is not None:
            self._writer.close()

    def add(self, reason: str, raw: bytes) -> None:
        """Keep one faulty record: its raw text, bytes that are not UTF-8 as `\\xNN`."""
        if not raw.isascii():
            raw = raw.decode("utf-8", "backslashreplace").encode()
        self._reasons.append(reason.encode())
        self._raw.append(raw)
        self.count += 1
        self._pending += len(raw) + 100
        if self._pending > FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._reasons:
            return
        if self._writer is None:
            from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - slow to import, seldom needed

            self.path = str(new_path(self._work_dir, ".parquet"))
            self._writer = ParquetWriter(self.path, FAULT_SCHEMA)
        columns = [_texts(self._reasons), _texts(self._raw)]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=FAULT_SCHEMA))
        self._reasons, self._raw, self._pending = [], [], 0


def _texts(values: list[bytes]) -> pa.Array:
    """An Arrow column of UTF-8 texts. `pa.array` would do, but it imports pandas where that is installed."""
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum([len(value) for value in values], out=offsets[1:])
    return pa.LargeStringArray.from_buffers(
        len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(values))
    )

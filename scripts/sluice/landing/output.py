"""What is written for a file that is not regular: a normalised copy of its good records, and its faults."""

import re
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from sluice.landing.header import BOM
from sluice.landing.source import new_path

FAULT_SCHEMA = pa.schema([("reason", pa.string()), ("raw_record", pa.large_string())])
FLUSH_BYTES = 8 << 20


class CopyWriter:
    """A copy without header line: UTF-8, LF, RFC 4180, every record of full width."""

    def __init__(self, work_dir: Path, delimiter: str) -> None:
        """Create the copy in `work_dir`. Raises OSError if that fails."""
        self.path = str(new_path(work_dir, ".csv"))
        self._out = open(self.path, "wb", buffering=1 << 20)  # noqa: PTH123, SIM115
        self._delimiter = delimiter.encode()
        self._special = re.compile(b'["\r\n' + re.escape(self._delimiter) + b"]|" + BOM)
        quoted, bare = rb'"[^"]*+(?:""[^"]*+)*+"', rb'[^"\r\n' + re.escape(self._delimiter) + rb"]*+"
        part = rb"(?>" + quoted + rb"|" + bare + rb")"
        self._strict = re.compile(part + rb"(?:" + re.escape(self._delimiter) + part + rb")*+")
        self._field = re.compile(
            rb'(?>"([^"]*+(?:""[^"]*+)*+)"|([^'
            + re.escape(self._delimiter)
            + rb"]*+))(?:"
            + re.escape(self._delimiter)
            + rb"|\Z)"
        )
        self._empty = True
        self.quoted_newlines = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._out.close()

    def add_record(self, text: bytes) -> None:
        """Add a record of the right width, given without its line end; quotes it anew where its quoting is lax."""
        if not self._strict.fullmatch(text) or (self._empty and text.startswith(BOM)):
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
            fields.append(b'"' + value.replace(b'"', b'""') + b'"' if self._special.search(value) else value)
            if match.end() == len(text) and not text.endswith(self._delimiter, match.start(), match.end()):
                break
            at = match.end()
        return fields


class FaultWriter:
    """Faulty records, one row each, in a Parquet file that is created with the first of them."""

    def __init__(self, work_dir: Path) -> None:
        """Faults will be written to `work_dir`."""
        self._work_dir = work_dir
        self._writer: pq.ParquetWriter | None = None
        self._reasons: list[str] = []
        self._raw: list[str] = []
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
        self._reasons.append(reason)
        self._raw.append(raw.decode("utf-8", "backslashreplace"))
        self.count += 1
        self._pending += len(raw) + 100
        if self._pending > FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._reasons:
            return
        if self._writer is None:
            self.path = str(new_path(self._work_dir, ".parquet"))
            self._writer = pq.ParquetWriter(self.path, FAULT_SCHEMA)
        self._writer.write_table(pa.table([self._reasons, self._raw], schema=FAULT_SCHEMA))
        self._reasons, self._raw, self._pending = [], [], 0

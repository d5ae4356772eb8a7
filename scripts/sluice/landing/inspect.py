"""Look at a landing file once: is it regular, and if not, what of it can be read, and what is wrong?

A file is *regular* when DuckDB's `read_csv`, told header, delimiter and line end, returns every record whole
from the file itself: UTF-8 (with or without byte order mark), one kind of line end (LF or CRLF), the header
on the first line, no empty lines, every record as wide as the header, quoting as in RFC 4180, no record above
1 MiB. All other files get a normalised copy that is, next to a list of the records that could not be brought
into it.

Do not write `strict_mode=true` in the call: DuckDB 1.5.5 then returns no row at all of a file with CRLF and a
header. Left out, it is strict and right.
"""

from collections.abc import Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from sluice.landing import limits
from sluice.landing.errors import UnreadableFileError
from sluice.landing.header import Header, read_header
from sluice.landing.normalise import normalise
from sluice.landing.proof import Layout, Prover
from sluice.landing.source import Stamp, open_file, plain_utf8, stamp
from sluice.landing.window import Window

THREADS = 2


@dataclass
class Inspection:
    """What was found in one file.

    If `error` is set, the file cannot be loaded (`retry`: it may be fine, try again without waiting for a
    change) and only the stamp below is filled in, if that could be had. Otherwise `read_path` holds
    `records_read - fault_count` records in the order of the file, below a header line if `has_header`;
    columns are separated by `delimiter`, records by `newline`. `quoted_newlines`: a line feed stands inside
    quotes, which DuckDB reads reliably only with `parallel=false`. `faults_path` is a Parquet file of
    (reason, raw_record).
    `size_bytes` and `modified_ns` (nanoseconds since 1970, UTC) were taken before reading.
    """

    error: str | None = None
    retry: bool = False
    delimiter: str | None = None
    header: list[str] = field(default_factory=list)
    newline: str | None = None
    records_read: int | None = None
    read_path: str | None = None
    has_header: bool = False
    faults_path: str | None = None
    fault_count: int = 0
    size_bytes: int = 0
    modified_ns: int = 0
    quoted_newlines: bool = False


def inspect_file(path: str, known_names: Sequence[str], work_dir: Path) -> Inspection:
    """Inspect one file.

    Args:
        path: the file; `.gz` at its end means that it is compressed.
        known_names: the feed's column names and aliases, lower case.
        work_dir: folder for copies, made if need be; what is in it belongs to the caller.

    Never raises for what is in the file or for its absence; OSError if `work_dir` cannot be written.
    """
    return inspect_files([path], known_names, work_dir)[0]


def inspect_files(paths: Sequence[str], known_names: Sequence[str], work_dir: Path) -> list[Inspection]:
    """Inspect several files, two at a time; the answers are in the order of `paths`. See `inspect_file`."""
    known = frozenset(known_names)
    work_dir.mkdir(parents=True, exist_ok=True)
    if len(paths) < 2:
        return [_inspect(path, known, work_dir) for path in paths]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda path: _inspect(path, known, work_dir), paths))


def _inspect(path: str, known_names: Set[str], work_dir: Path) -> Inspection:
    before = Stamp(0, 0)
    try:
        before = stamp(path)
        inspection = _read(path, before, known_names, work_dir)
        if stamp(path) != before:
            raise UnreadableFileError("The file changed while it was read. It is tried again.", retry=True)
    except UnreadableFileError as problem:
        inspection = Inspection(error=str(problem), retry=problem.retry)
    inspection.size_bytes = before.size_bytes
    inspection.modified_ns = before.modified_ns
    return inspection


def _read(path: str, before: Stamp, known_names: Set[str], work_dir: Path) -> Inspection:
    """Inspect a file whose stamp is known. Raises UnreadableFileError."""
    plain = plain_utf8(path, work_dir)
    size_bytes = before.size_bytes if plain == path else stamp(plain).size_bytes
    with open_file(plain) as source:
        head = source.read(limits.HEADER + 2)
    header = read_header(head, known_names, whole=len(head) >= size_bytes)
    found = Inspection(delimiter=header.delimiter, header=header.names)
    proof = _prove_file(plain, header, size_bytes) if header.plain else None
    if proof is not None:
        found.records_read, found.quoted_newlines = proof
        found.newline = "\r\n" if header.crlf else "\n"
        found.read_path, found.has_header = plain, True
        return found
    result = normalise(plain, header, size_bytes, work_dir)
    found.records_read, found.fault_count = result.records, result.faults
    found.read_path, found.faults_path = result.copy_path, result.faults_path
    found.newline, found.quoted_newlines = "\n", result.quoted_newlines
    return found


def _prove_file(path: str, header: Header, size_bytes: int) -> tuple[int, bool] | None:
    """Count the records of a regular file and whether quotes hold line feeds; None if it is not regular."""
    prover = Prover(Layout(ord(header.delimiter), len(header.names), header.crlf))
    records, quoted_newlines = 0, False
    with open_file(path) as source:
        window = Window(source, header.data_start, size_bytes, crlf=header.crlf)
        while window.size:
            proven = prover.prove(window)
            if proven is None:
                return None
            if proven.records:
                records += proven.records
                quoted_newlines |= proven.quoted_newlines
                window.drop(proven.size)
            elif window.ended or window.capacity >= 2 * limits.RECORD:
                return None
            else:
                window.grow()
    return records, quoted_newlines

"""Writes the files of one feed: DuckDB makes the lines of a file, one batch of files per worker at a time."""

import gzip
import os
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, wait
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sluice.generate import time_shapes
from sluice.generate.dress import SPOILT, SPOILT_BYTE
from sluice.generate.feeds import SQL, Feed
from sluice.generate.layout import LandingFile, Layout
from sluice.generate.paths import part_of
from sluice.generate.truth import truth_columns, truth_of_rows

ROWS_AT_ONCE = 65_536
"""Rows that pass from DuckDB to the file at once: few enough to reuse the same memory."""

Truth = tuple[pa.Table, pa.Table]


def open_session(layout: Layout) -> duckdb.DuckDBPyConnection:
    """A database that knows how to make the rows of this feed, in order: one thread per query."""
    session = duckdb.connect(config={"threads": 1, "preserve_insertion_order": True})
    session.execute("set TimeZone = 'UTC'")
    session.execute(layout.constants())
    session.execute(time_shapes.macros(layout.start.year, str(layout.start)))
    for name in ("text", "words", "rivals", "plan"):
        session.execute((SQL / f"{name}.sql").read_text(encoding="utf-8"))
    session.execute(layout.feed.sql)
    return session


def write_files(
    layout: Layout, landing: Path, pool: Executor, done: Callable[[int], None]
) -> Generator[Truth, None, None]:
    """Write every file of the feed below `landing` and yield the truth of each, in the order of the batches.
    `done` is told the rows of finished files."""
    workers = os.cpu_count() or 1
    with open_session(layout) as session:
        running: list[Future[list[Truth]]] = []

        def first_done() -> list[Truth]:
            truths = running.pop(0).result()
            done(sum(records.num_rows for records, _ in truths))
            return truths

        try:
            for files in layout.batches:
                running.append(pool.submit(_write_batch, session.cursor(), layout, files, landing))
                if len(running) > workers:
                    yield from first_done()
            while running:
                yield from first_done()
        finally:
            for future in running:
                future.cancel()
            wait(running)


def _write_batch(
    session: duckdb.DuckDBPyConnection, layout: Layout, files: list[LandingFile], landing: Path
) -> list[Truth]:
    """Make the rows of some files and write them."""
    feed, truths = layout.feed, []
    made = f"run_records({layout.told(files)})"
    with session:
        lists = {"time_shape": "shape_names()", "verdict": "verdict_names()", **dict(feed.coded)}
        names = {
            column: _one_column(session, f"select unnest({meanings})") for column, meanings in lists.items()
        }
        if len(files) > 1:
            session.execute(f"create temp table made_rows as from {made}")
        for file in files:
            source = f"made_rows where file_number = {file.number}" if len(files) > 1 else made
            line = file.dress.line_sql(feed, file.faulty_block >= 0)
            names["file"] = _one_column(session, f"select '{file.path}'")
            rows = session.sql(f"select {truth_columns(feed, file)}, {line} as line from {source}")
            truths.append(
                _write_file(rows.to_arrow_reader(ROWS_AT_ONCE), feed, file, landing / file.path, names)
            )
    return truths


def _write_file(
    rows: pa.RecordBatchReader, feed: Feed, file: LandingFile, target: Path, names: dict[str, pa.Array]
) -> Truth:
    """Write one file aside and rename it when it is whole. DuckDB made every line with its end, so that the
    memory of the column of lines is the content of the file."""
    dress = file.dress
    part = part_of(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    truths = []
    with part.open("wb") as raw:
        stream: BinaryIO | gzip.GzipFile = raw
        if dress.is_gzipped:
            stream = gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=1, mtime=0)
        stream.write(dress.header_line(feed).encode(dress.encoding))
        for batch in rows:
            text = _text(batch["line"])
            if dress.encoding != "utf-8":
                stream.write(bytes(text).decode("utf-8").encode(dress.encoding))
            elif file.faulty_block >= 0 and _has_spoilt_line(batch):
                stream.write(bytes(text).replace(SPOILT.encode(), SPOILT_BYTE))
            else:
                stream.write(text)
            truths.append(truth_of_rows(pa.Table.from_batches([batch]), feed, names))
        if stream is not raw:
            stream.close()
    part.rename(target)
    records, entities = (pa.concat_tables(tables) for tables in zip(*truths, strict=True))
    return records, entities


def _one_column(session: duckdb.DuckDBPyConnection, sql: str) -> pa.Array:
    return session.sql(sql).to_arrow_table().column(0).combine_chunks()


def _has_spoilt_line(batch: pa.RecordBatch) -> bool:
    return pc.any(pc.equal(pc.list_flatten(batch["reasons"]), "invalid_encoding")).as_py() or False


def _text(lines: pa.StringArray) -> memoryview:
    """The lines, as the stretch of memory they stand in."""
    _, ends, text = lines.buffers()
    offsets = memoryview(ends).cast("i")
    return memoryview(text)[offsets[lines.offset] : offsets[lines.offset + len(lines)]]

"""Writes the files of one feed: DuckDB makes the lines of a file, one batch of files per worker at a time."""

import gzip
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow as pa

from sluice.generate import time_shapes
from sluice.generate.dress import SPOILT, SPOILT_BYTE
from sluice.generate.feeds import SQL, Feed
from sluice.generate.layout import LandingFile, Layout
from sluice.generate.truth import truth_columns, truth_of_file

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


def write_files(layout: Layout, landing: Path, done: Callable[[int], None]) -> Iterator[Truth]:
    """Write every file of the feed below `landing` and yield the truth of each, in the order of the rows.
    `done` is told the rows of finished files."""
    workers = os.cpu_count() or 1
    with open_session(layout) as session, ThreadPoolExecutor(workers) as pool:
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


def _write_batch(
    session: duckdb.DuckDBPyConnection, layout: Layout, files: list[LandingFile], landing: Path
) -> list[Truth]:
    """Make the rows of some files and write them."""
    feed, truths = layout.feed, []
    made = f"run_records({layout.told(files)})"
    with session:
        shapes = _one_column(session, "select unnest(shape_names())")
        if len(files) > 1:
            session.execute(f"create temp table made_rows as from {made}")
        for file in files:
            source = f"made_rows where file_number = {file.number}" if len(files) > 1 else made
            line = file.dress.line_sql(feed, file.faulty_block >= 0)
            rows = session.execute(
                f"select {truth_columns(feed, file)}, {line} as line from {source}"
            ).to_arrow_table()
            _write_file(rows["line"], feed, file, landing / file.path)
            names = {"file": _one_column(session, f"select '{file.path}'"), "time_shape": shapes}
            truths.append(truth_of_file(rows, feed, names))
    return truths


def _write_file(lines: pa.ChunkedArray, feed: Feed, file: LandingFile, target: Path) -> None:
    """Write one file aside and rename it when it is whole. DuckDB made every line with its end, so that the
    memory of the column of lines is the content of the file."""
    dress = file.dress
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    with part.open("wb") as raw:
        stream = (
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=4, mtime=0)
            if dress.is_gzipped
            else raw
        )
        stream.write(dress.header_line(feed).encode(dress.encoding))
        for text in _texts(lines):
            if dress.encoding != "utf-8":
                stream.write(bytes(text).decode("utf-8").encode(dress.encoding))
            elif file.faulty_block >= 0:
                stream.write(bytes(text).replace(SPOILT.encode(), SPOILT_BYTE))
            else:
                stream.write(text)
        if stream is not raw:
            stream.close()
    part.rename(target)


def _one_column(session: duckdb.DuckDBPyConnection, sql: str) -> pa.Array:
    return session.execute(sql).to_arrow_table().column(0).combine_chunks()


def _texts(lines: pa.ChunkedArray) -> Iterator[memoryview]:
    """The lines, as the stretches of memory they stand in."""
    for chunk in lines.chunks:
        _, ends, text = chunk.buffers()
        offsets = memoryview(ends).cast("i")
        yield memoryview(text)[offsets[chunk.offset] : offsets[chunk.offset + len(chunk)]]

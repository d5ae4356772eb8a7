"""Writes the files of one feed: DuckDB makes the rows of a file and writes it, one file per worker at a time."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow as pa

from sluice.generate import time_shapes
from sluice.generate.dress import SPOILT, SPOILT_BYTE
from sluice.generate.feeds import SQL
from sluice.generate.layout import LandingFile, Layout
from sluice.generate.truth import truth_columns, truth_of_file

Truth = tuple[pa.Table, pa.Table]


def open_session(layout: Layout) -> duckdb.DuckDBPyConnection:
    """A database that knows how to make the rows of this feed. Rows are made and written in order: one thread each."""
    session = duckdb.connect(config={"threads": 1, "preserve_insertion_order": True})
    session.execute("set TimeZone = 'UTC'")
    session.execute(layout.constants())
    session.execute(time_shapes.macros(layout.start.year, str(layout.start)))
    session.execute((SQL / "text.sql").read_text(encoding="utf-8"))
    faults, records = layout.feed.sql.split(f"create macro {layout.feed.name}_records", maxsplit=1)
    session.execute(faults)
    session.execute(f"create macro run_fault_count() as len({layout.feed.name}_faults())")
    session.execute((SQL / "plan.sql").read_text(encoding="utf-8"))
    session.execute(f"create macro {layout.feed.name}_records{records}")
    return session


def write_files(layout: Layout, landing: Path, done: Callable[[LandingFile], None]) -> Iterator[Truth]:
    """Write every file of the feed below `landing` and yield the truth of each, in the order of the rows."""
    workers = os.cpu_count() or 1
    with open_session(layout) as session, ThreadPoolExecutor(workers) as pool:
        running: list[tuple[LandingFile, Future[Truth]]] = []

        def first_done() -> Truth:
            file, future = running.pop(0)
            truth = future.result()
            done(file)
            return truth

        try:
            for file in layout.files:
                running.append((file, pool.submit(_write_file, session.cursor(), layout, file, landing)))
                if len(running) > workers:
                    yield first_done()
            while running:
                yield first_done()
        finally:
            for _, future in running:
                future.cancel()


def _write_file(session: duckdb.DuckDBPyConnection, layout: Layout, file: LandingFile, landing: Path) -> Truth:
    """Write one file aside and rename it when it is whole."""
    feed, dress = layout.feed, file.dress
    target = landing / file.path
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    with session:
        session.execute(
            f"""create or replace temp table made_rows as
            select {truth_columns(feed)}, {dress.line_sql(feed, file.faulty_block >= 0)} as line
            from {feed.name}_records({file.number}, {file.first_row}, {file.end_row})"""
        )
        header = dress.header_line(feed).replace("'", "''")
        session.execute(f"""
            copy (select '{header}' as line union all select line from made_rows) to '{str(part).replace("'", "''")}'
            (format csv, header false, quote '', delimiter '\x01', compression {"gzip" if dress.is_gzipped else "none"})""")
        truth = truth_of_file(session, feed, file)
    if file.faulty_block >= 0:
        part.write_bytes(part.read_bytes().replace(SPOILT.encode(), SPOILT_BYTE))
    elif dress.encoding != "utf-8":
        part.write_bytes(part.read_bytes().decode("utf-8").encode(dress.encoding))
    part.rename(target)
    return truth

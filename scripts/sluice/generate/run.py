"""One run: check what is there, write every feed, then the summary."""

import datetime as dt
import json
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from pathlib import Path

from sluice.generate.feeds import FEEDS
from sluice.generate.layout import Layout
from sluice.generate.paths import part_of
from sluice.generate.truth import (
    METRICS,
    SUMMARY,
    FeedSummary,
    Summary,
    TruthWriter,
    summarise,
    truth_names,
    write_minute_metrics,
)
from sluice.generate.write import write_files

DEFAULT_START = dt.date(2026, 1, 1)
TRUTH_FOLDER = "ground_truth"


class DeliveryExistsError(FileExistsError):
    """Something that this run would write is there already."""


def generate(
    rows: int,
    days: int,
    seed: int,
    home: Path,
    feeds: Sequence[str] = tuple(FEEDS),
    *,
    start_date: dt.date = DEFAULT_START,
    structural_faults: bool = True,
    overwrite: bool = False,
    landing: Path | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> Summary:
    """Write `rows` records of each feed, spread over `days` ingest dates, and the truth about them.

    Files go to `landing` (default: home/landing), the truth to home/ground_truth. The same arguments give
    the same bytes. Raises DeliveryExistsError, before anything is written, when a file to be written or a
    ground truth exists, unless `overwrite`: then the earlier run (its ground truth and the landing files that
    its summary names) is removed first, and still nothing else is replaced. A run that fails removes what it wrote.
    `progress` is told the rows of every finished file."""
    landing = landing or home / "landing"
    truth = home / TRUTH_FOLDER
    layouts = [
        Layout(FEEDS[name], rows, days, seed, start_date, structural_faults, "customers" in feeds)
        for name in FEEDS
        if name in feeds
    ]
    targets = [landing / file.path for layout in layouts for file in layout.files]
    if overwrite:
        earlier = _earlier_files(landing, truth)
        _refuse_existing([target for target in targets if target not in earlier])
        _clear(earlier, truth)
    else:
        _refuse_existing([truth, *targets])
    summary = Summary(rows, days, seed, str(start_date), structural_faults)
    try:
        truth.mkdir(parents=True, exist_ok=True)
        summary.feeds.update(_generate_feeds(layouts, landing, truth, progress))
        if "service_events" in summary.feeds:
            write_minute_metrics(truth)
        summary.write(truth / SUMMARY)
    except BaseException:
        _clear(targets, truth)
        raise
    return summary


def _generate_feeds(
    layouts: Sequence[Layout], landing: Path, truth: Path, progress: Callable[[int], None]
) -> dict[str, FeedSummary]:
    """Two feeds at a time, so that the last files of one do not leave processors idle."""
    failed = threading.Event()

    def note(rows: int) -> None:
        if failed.is_set():
            raise _GivenUpError
        progress(rows)

    with ThreadPoolExecutor(os.cpu_count()) as files, ThreadPoolExecutor(2) as feeds:
        made = [feeds.submit(_generate_feed, layout, landing, truth, files, note) for layout in layouts]
        try:
            wait(made, return_when=FIRST_EXCEPTION)
            for future in made:
                if future.done() and not future.cancelled():
                    future.result()
            return {layout.feed.name: future.result() for layout, future in zip(layouts, made, strict=True)}
        except BaseException:
            failed.set()
            feeds.shutdown(cancel_futures=True)
            raise


class _GivenUpError(Exception):
    """Another feed has failed."""


def _generate_feed(
    layout: Layout, landing: Path, truth: Path, pool: Executor, progress: Callable[[int], None]
) -> FeedSummary:
    with (
        TruthWriter(truth, layout.feed) as writer,
        closing(write_files(layout, landing, pool, progress)) as made,
    ):
        for tables in made:
            writer.append(tables)
    return summarise(layout.feed, truth, layout.files)


def _refuse_existing(paths: list[Path]) -> None:
    existing = next((path for path in paths if path.exists()), None)
    if existing:
        raise DeliveryExistsError(
            f"{existing} exists and nothing was written; choose another --home, move it away,"
            " or replace an earlier run and its ground truth with --overwrite"
        )


def _earlier_files(landing: Path, truth: Path) -> set[Path]:
    """The landing files of the earlier run, as its summary names them."""
    summary = truth / SUMMARY
    if not summary.exists():
        return set()
    told = json.loads(summary.read_text(encoding="utf-8"))
    return {landing / name for feed in told["feeds"].values() for name in feed["file_names"]}


def _clear(files: Iterable[Path], truth: Path) -> None:
    """Remove landing files and the ground truth, but nothing else that stands beside it."""
    told = [truth / name for feed in FEEDS for name in truth_names(feed)]
    for path in [*files, *told, truth / METRICS, truth / SUMMARY]:
        for standing in (path, part_of(path)):
            with suppress(OSError):
                standing.unlink()
    with suppress(OSError):
        truth.rmdir()

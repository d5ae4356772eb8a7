"""One run: check what is there, write every feed, then the summary."""

import datetime as dt
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from sluice.generate.feeds import FEEDS
from sluice.generate.layout import Layout
from sluice.generate.truth import Summary, TruthWriter, summarise, write_minute_metrics
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
    its summary names) is removed first, and still nothing else is replaced.
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
        for path in earlier:
            path.unlink(missing_ok=True)
        shutil.rmtree(truth, ignore_errors=True)
    else:
        _refuse_existing([truth, *targets])
    truth.mkdir(parents=True, exist_ok=True)
    summary = Summary(rows, days, seed, str(start_date), structural_faults)
    for layout in layouts:
        with TruthWriter(truth, layout.feed) as writer:
            for tables in write_files(layout, landing, progress):
                writer.append(tables)
        summary.feeds[layout.feed.name] = summarise(layout.feed, truth, layout.files)
    if "service_events" in summary.feeds:
        write_minute_metrics(truth)
    summary.write(truth / "summary.json")
    return summary


def _refuse_existing(paths: list[Path]) -> None:
    existing = next((path for path in paths if path.exists()), None)
    if existing:
        raise DeliveryExistsError(
            f"{existing} exists and nothing was written; choose another --home, move it away,"
            " or replace an earlier run and its ground truth with --overwrite"
        )


def _earlier_files(landing: Path, truth: Path) -> set[Path]:
    """The landing files of the earlier run, as its summary names them."""
    summary = truth / "summary.json"
    if not summary.exists():
        return set()
    told = json.loads(summary.read_text(encoding="utf-8"))
    return {landing / name for feed in told["feeds"].values() for name in feed["file_names"]}

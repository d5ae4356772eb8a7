"""The folder through which dbt and the client exchange rows: questions as one Parquet file, answers as parts
that appear while the service is still answering, so that a build that is killed keeps them."""

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sluice import durable
from sluice.classify.breaker import OUT_OF_TIME
from sluice.classify.settings import Settings
from sluice.classify.table import FIELDS, classify_batches

SLICE_ROWS = 200_000
"""Rows that are in memory at a time."""


@dataclass
class Outcome:
    """What became of the questions of one build."""

    asked: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    error: str | None = None
    seconds: float = 0.0

    @property
    def unanswered(self) -> int:
        """How many the service gave no answer for, for want of time or of a service."""
        return self.asked - self.counts["classified"] - self.counts["failed"]

    @property
    def message(self) -> str:
        """One line for the log of the build."""
        said = (
            f"Classified {self.counts['classified']:,} of {self.asked:,} transactions in {self.seconds:.1f} s"
        )
        if failed := self.counts["failed"]:
            said += f"; {failed:,} failed"
        if self.unanswered:
            said += f"; {self.unanswered:,} are left to the next build"
        return f"{said} ({self.error})" if self.error else said


def answer_file(asked: Path, folder: Path, url: str | None, settings: Settings) -> Outcome:
    """Ask for every row of `asked` and write the answers as parts into `folder`.

    When the service is given up, or time is over, nothing more is asked. Rows for which there was no time get no
    answer; those of an outage get the answer `pending`, whether they were sent or not.
    """
    began = time.monotonic()
    questions = pq.ParquetFile(asked)
    outcome = Outcome(asked=questions.metadata.num_rows)
    parts = 0
    for rows in questions.iter_batches(batch_size=SLICE_ROWS, columns=list(FIELDS)):
        left = settings.max_seconds - (time.monotonic() - began)
        if left <= 0:
            outcome.error = outcome.error or f"{OUT_OF_TIME}: {settings.max_seconds:g} s are over"
            break
        table = pa.Table.from_batches([rows])
        for batch in classify_batches(table, url, replace(settings, max_seconds=left)):
            for count in pc.value_counts(batch["status"]).to_pylist():
                outcome.counts[count["values"]] += count["counts"]
            outcome.error = _first_error(batch) or outcome.error
            told = batch.filter(pc.invert(pc.and_(pc.equal(batch["status"], "pending"), _no_time(batch))))
            if told.num_rows:
                parts += 1
                _write(told, folder / f"answers-{parts:06}.parquet")
        if outcome.counts["pending"]:
            break
    outcome.seconds = time.monotonic() - began
    return outcome


def _write(batch: pa.RecordBatch, path: Path) -> None:
    """Whole or not at all."""
    with durable.Aside(path) as aside:
        pq.write_table(pa.Table.from_batches([batch]), aside.file)


def _no_time(batch: pa.RecordBatch) -> pa.Array:
    return pc.fill_null(pc.starts_with(batch["error"], OUT_OF_TIME), fill_value=False)


def _first_error(batch: pa.RecordBatch) -> str | None:
    errors = batch["error"].drop_null()
    return errors[0].as_py() if len(errors) else None

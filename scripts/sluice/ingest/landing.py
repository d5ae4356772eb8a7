"""From a closed segment to a landing file, once: also after a crash at any point in between.

The name follows from the segment's id. Written aside, synced, renamed, folder synced, and only then is the
segment deleted; a segment whose landing file is there has landed, and is only deleted. A landing folder
never holds half a file under a name that a build would read.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sluice import durable
from sluice.ingest.rows import file_chunks
from sluice.ingest.segment import SUFFIX, Frames, date_of, is_id

FEED = "tenant_events"
_DAMAGED = ".damaged"
_LAST_ID = "last_id"


@dataclass(frozen=True)
class Landed:
    """One segment that has become a landing file, or had nothing to land."""

    segment_id: str
    path: Path | None
    events: int = 0
    size: int = 0
    dropped_bytes: int = 0
    damaged: Path | None = None
    """Where a damaged segment was kept, for somebody to look at."""


class LandingZone:
    """The folder of open segments and the landing folder they go to."""

    def __init__(self, ingest: Path, landing: Path) -> None:
        self.ingest = ingest
        self.feed = landing / FEED

    def target(self, segment_id: str) -> Path:
        """The landing file of a segment."""
        return self.feed / f"ingest_date={date_of(segment_id)}" / f"ingest-{segment_id}.csv"

    def prepare(self) -> None:
        """Make the folders."""
        durable.make_folder(self.ingest)
        durable.make_folder(self.feed)

    def segments(self) -> list[Path]:
        """Segments that have not landed yet, oldest first."""
        found = self.ingest.glob(f"*{SUFFIX}")
        return sorted(path for path in found if is_id(path.name.removesuffix(SUFFIX)))

    def last_id(self) -> str | None:
        """The newest id ever used here."""
        ids = [path.name.removesuffix(SUFFIX) for path in self.segments()]
        try:
            ids.append((self.ingest / _LAST_ID).read_text(encoding="ascii").strip())
        except (OSError, UnicodeDecodeError):
            newest = max(
                self.feed.glob("ingest_date=*/ingest-*.csv"), default=None, key=lambda path: path.name
            )
            ids.append(newest.stem.removeprefix("ingest-") if newest else "")
        return max((found for found in ids if is_id(found)), default=None)

    def land(self, segment: Path, size: int | None = None) -> Landed:
        """Turn the first `size` bytes of a closed segment into its landing file and delete the segment."""
        segment_id = segment.name.removesuffix(SUFFIX)
        target = self.target(segment_id)
        frames = Frames()
        if target.exists():
            durable.sync(target.parent)
            durable.write(self.ingest / _LAST_ID, segment_id)
            segment.unlink()
            return Landed(segment_id, target)
        landed: Path | None = None
        with segment.open("rb") as stream:
            total = os.fstat(stream.fileno()).st_size
            rows = frames.read(stream, total if size is None else min(size, total))
            first = next(rows, None)
            if first is not None:
                durable.make_folder(target.parent)
                self._publish(target, file_chunks(itertools.chain([first], rows)))
                landed = target
        size_landed = landed.stat().st_size if landed else 0
        durable.write(self.ingest / _LAST_ID, segment_id)
        damaged = segment.with_suffix(_DAMAGED) if frames.damaged else None
        if damaged:
            segment.rename(damaged)
        else:
            segment.unlink()
        return Landed(segment_id, landed, frames.count, size_landed, frames.dropped_bytes, damaged)

    def _publish(self, target: Path, chunks: Iterator[bytes]) -> None:
        """Write aside on the same disk as the target, sync, rename."""
        same_disk = self.ingest.stat().st_dev == target.parent.stat().st_dev
        aside = (self.ingest if same_disk else target.parent) / f".{target.name}.tmp"
        aside.unlink(missing_ok=True)
        durable.create(aside)
        try:
            with aside.open("wb") as out:
                for chunk in chunks:
                    out.write(chunk)
            durable.put(aside, target)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise

    def recover(self, report: Callable[[Landed], None]) -> None:
        """Land what a stopped process left behind; remove what it wrote aside. Needs the home's lock."""
        for folder in (self.ingest, *self.feed.glob("ingest_date=*")):
            for leftover in folder.glob(".ingest-*.csv.tmp"):
                leftover.unlink(missing_ok=True)
        for segment in self.segments():
            report(self.land(segment))

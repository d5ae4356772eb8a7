"""Move old landing files into the archive, and drop what has been kept long enough. Kill-safe at every step.

A landing file is removed only when the archive has it under its final name, synced. It is first renamed to a hidden
name and looked at again, so that a version that came in the meantime is never lost; a process that dies in between
leaves such a name behind, which the next run settles.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import xxhash

from sluice import durable
from sluice.archive.store import Archived, ArchiveError, Bundle, bundles, list_archive, read_lines
from sluice.landing.decompress import content_blocks
from sluice.landing.errors import UnreadableFileError
from sluice.landing.listing import LandingFile, list_landing_files
from sluice.landing.stamp import Stamp

BUNDLE_BYTES = 256 << 20
"""Text in one Parquet file; a new one is begun when there is more."""
LEAVING = ".leaving"
NAME = "%Y%m%dT%H%M%S%f"
"""The instant that names a Parquet file."""


@dataclass(frozen=True)
class Loaded:
    """A landing file whose newest version is loaded."""

    entry: LandingFile
    ingest_date: str

    @property
    def feed(self) -> str:
        """The feed it belongs to."""
        return self.entry.file.partition("/")[0]


def old_files(
    landing: Path, ledger: dict[str, tuple[str, int, int]], before: dt.date, feed: str | None
) -> list[Loaded]:
    """Landing files of ingest dates before that day whose version is the one that counts, in order of feed and date.

    Args:
        ledger: per file of a current load its ingest date, size in bytes and modification time in nanoseconds.
    """
    found = []
    for entry in list_landing_files(landing):
        ingest_date, *version = ledger.get(entry.file, ("", 0, 0))
        is_loaded = version == [entry.size_bytes, entry.modified_ns] and not entry.error
        if is_loaded and ingest_date < before.isoformat() and feed in (None, entry.file.partition("/")[0]):
            found.append(Loaded(entry, ingest_date))
    return sorted(found, key=lambda file: (file.feed, file.ingest_date, file.entry.file.encode()))


def settle_leavings(landing: Path, archive: Path) -> int:
    """Finish or take back what a killed run was removing. Returns how many files that were."""
    for unfinished in durable.leftovers(archive):
        durable.remove_leftover(unfinished)
    leavings = list(landing.rglob(f".*{LEAVING}"))
    held = {entry.file: entry for entry in list_archive(archive)} if leavings else {}
    for leaving in leavings:
        path = leaving.with_name(leaving.name[1:].removesuffix(LEAVING))
        if path.exists() or _is(leaving, held.get(path.relative_to(landing).as_posix())):
            leaving.unlink()  # a newer version has come, or the archive has it
        else:
            leaving.rename(path)
    return len(leavings)


def archive_files(
    files: Iterable[Loaded], landing: Path, archive: Path, report: Callable[[Loaded], None]
) -> int:
    """Put these files into the archive and remove them from landing. Returns how many were removed.

    Raises ArchiveError or OSError; what was not moved until then is where it was.
    """
    removed = 0
    for (feed, ingest_date), group in groupby(files, key=lambda file: (file.feed, file.ingest_date)):
        folder = archive / feed / f"ingest_date={ingest_date}"
        held = {entry.file: entry for entry in list_archive(archive / feed)}
        waiting = list(group)
        while waiting:
            bundle: Bundle | None = None
            taken: list[Loaded] = []
            try:
                while waiting and (bundle is None or bundle.bytes < BUNDLE_BYTES):
                    file = waiting.pop(0)
                    taken.append(file)
                    if _is_held(file, held.get(file.entry.file)):
                        continue
                    bundle = bundle or Bundle(folder / f"{_next_name(archive / feed)}.parquet")
                    blocks = _content(file)
                    bundle.add(
                        file.entry.file, ingest_date, file.entry.size_bytes, file.entry.modified_ns, blocks
                    )
            except BaseException:
                if bundle:
                    bundle.give_up()
                raise
            held |= {entry.file: entry for entry in (bundle.finish() if bundle else [])}
            for file in taken:
                if _remove(file, held[file.entry.file], landing):
                    removed += 1
                    report(file)
    return removed


def old_bundles(archive: Path, before: dt.date, feed: str | None) -> Iterator[Path]:
    """The Parquet files of ingest dates before that day."""
    for path in sorted((archive / feed if feed else archive).rglob("ingest_date=*/*.parquet")):
        if path.parent.name.partition("=")[2] < before.isoformat():
            yield path


def drop_bundle(path: Path) -> None:
    """Remove a Parquet file of the archive, and its folder with the last one."""
    path.unlink()
    if not any(path.parent.iterdir()):
        path.parent.rmdir()


def _content(file: Loaded) -> Iterator[bytes]:
    """What a landing file holds, decompressed. Raises ArchiveError if that cannot be read (any more)."""
    try:
        yield from content_blocks(file.entry.path)
    except UnreadableFileError as problem:
        raise ArchiveError(f"{file.entry.file} cannot be archived. {problem}") from problem


def _is_held(file: Loaded, held: Archived | None) -> bool:
    """Whether the archive has this very content; size and time alone do not tell."""
    if held is None or not _is(Path(file.entry.path), held):
        return False
    digests = [xxhash.xxh3_128(), xxhash.xxh3_128()]
    for digest, blocks in zip(digests, (_content(file), read_lines(held)), strict=True):
        for block in blocks:
            digest.update(block)
    return digests[0].digest() == digests[1].digest()


def _remove(file: Loaded, held: Archived, landing: Path) -> bool:
    """Remove a landing file that the archive holds; False when another version has come."""
    path = Path(file.entry.path)
    leaving = path.with_name(f".{path.name}{LEAVING}")
    try:
        if Stamp.of(path.stat()) != file.entry.stamp:
            return False
        path.rename(leaving)
    except FileNotFoundError:
        return False
    if not _is(leaving, held):
        if path.exists():
            leaving.unlink()
        else:
            leaving.rename(path)
        return False
    leaving.unlink()
    durable.sync(path.parent)
    for folder in path.parents:
        if folder.parent == landing or folder == landing or any(folder.iterdir()):
            break
        folder.rmdir()
    return True


def _is(path: Path, held: Archived | None) -> bool:
    """Whether a file is the version that the archive holds."""
    if held is None:
        return False
    return Stamp.of(path.stat())[:2] == (held.size_bytes, held.modified_ns)


def _next_name(feed: Path) -> str:
    """A name that sorts after all that a feed's folder of the archive has, also where the clock has stepped back: of two
    copies of a file the later name counts."""
    instant = dt.datetime.now(dt.UTC)
    for path in bundles(feed):
        with contextlib.suppress(ValueError):  # not a name of ours
            known = dt.datetime.strptime(path.stem, NAME).replace(tzinfo=dt.UTC)
            instant = max(instant, known + dt.timedelta(microseconds=1))
    return instant.strftime(NAME)

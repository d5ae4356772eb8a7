"""Rewrite the files that hold a person's records: landing files in their own encoding, and bundles of the archive.

Each file is written aside, synced and renamed. A process that dies in between leaves some files rewritten and others
not; running it again does the rest.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sluice.archive.store import (
    Archived,
    Bundle,
    list_archive,
    list_bundle,
    read_lines,
    restore,
    sync,
)
from sluice.forget.erase import Person, erase_records
from sluice.landing.errors import UnreadableFileError
from sluice.landing.inspect import inspect_file
from sluice.landing.listing import list_landing_files
from sluice.landing.rewrap import text_as_found, write_like
from sluice.landing.source import PlainText, new_path, plain_text, resolve_encoding, text_blocks
from sluice.landing.stamp import Stamp
from sluice.streams.shortened import expect_size


@dataclass(frozen=True)
class Rewritten:
    """A landing file (or its archived copy) that is shorter now. The old version tells which load it was. `is_torn`: its
    other records have to be read again, because a quote in it is not closed."""

    file: str
    old_size_bytes: int
    old_modified_ns: int
    size_bytes: int
    modified_ns: int
    erased_count: int
    is_torn: bool


@dataclass(frozen=True)
class _Text:
    path: Path
    erased_count: int
    is_torn: bool
    found: PlainText | None = None
    """How the file it comes from is written."""


@dataclass(frozen=True)
class Unreadable:
    """A file that may hold the person's records, and why they cannot be taken out."""

    file: str
    problem: str


def rewrite_landing(landing: Path, feed: str, person: Person, work: Path) -> Iterator[Rewritten | Unreadable]:
    """Take the person out of the landing files of a feed."""
    for entry in list_landing_files(landing):
        if entry.error or not entry.file.startswith(f"{feed}/"):
            continue
        path = Path(entry.path)
        found = _without(path, person, work)
        if isinstance(found, str):
            yield Unreadable(entry.file, found)
        elif found:
            _replace(path, found, landing / feed)
            now = Stamp.of(path.stat())
            yield Rewritten(
                entry.file,
                entry.size_bytes,
                entry.modified_ns,
                now.size_bytes,
                now.modified_ns,
                found.erased_count,
                found.is_torn,
            )
        _clear(work)


def rewrite_torn(landing: Path, feed: str, person: Person, work: Path) -> Iterator[Unreadable]:
    """Take the person out of the torn files that streams keep beside those they landed anew."""
    for path in sorted((landing / feed).glob("_torn/*.csv*")):
        found = _without(path, person, work)
        if isinstance(found, str):
            yield Unreadable(path.relative_to(landing).as_posix(), found)
        elif found:
            _replace(path, found, landing / feed)
        _clear(work)


def rewrite_archive(archive: Path, feed: str, person: Person, work: Path) -> Iterator[Rewritten | Unreadable]:
    """Take the person out of every bundle of a feed, superseded copies included."""
    newest = {(entry.path, entry.file) for entry in list_archive(archive / feed)}
    for path in sorted((archive / feed).rglob("ingest_date=*/*.parquet")):
        entries = list_bundle(path)
        changed: dict[str, _Text] = {}
        for entry in entries:
            copy = new_path(work, ".csv")
            restore(entry, copy)
            found = _without(copy, person, work)
            if isinstance(found, str):
                yield Unreadable(entry.file, f"{found} It is in {path}.")
            elif found:
                changed[entry.file] = found
            copy.unlink()
        if changed:
            yield from _rewrite_bundle(path, entries, changed, newest)
        _clear(work)


def _rewrite_bundle(
    path: Path, entries: list[Archived], changed: dict[str, _Text], newest: set[tuple[str, str]]
) -> list[Rewritten]:
    bundle = Bundle(path)
    now, done = time.time_ns(), []
    for entry in entries:
        if entry.file not in changed:
            bundle.add(entry.file, entry.ingest_date, entry.size_bytes, entry.modified_ns, read_lines(entry))
            continue
        text = changed[entry.file]
        size = text.path.stat().st_size
        blocks = text_as_found(str(text.path), text.found or PlainText(str(text.path), "utf-8"))
        bundle.add(entry.file, entry.ingest_date, size, now, blocks)
        if (entry.path, entry.file) in newest:
            version = (entry.size_bytes, entry.modified_ns, size, now)
            done.append(Rewritten(entry.file, *version, text.erased_count, text.is_torn))
    bundle.finish()
    return done


def _without(path: Path, person: Person, work: Path) -> _Text | str | None:
    """The text without the person's records; None: there are none; a text: why nobody can tell."""
    try:
        plain = resolve_encoding(plain_text(str(path), work, person.feed), work)
        if not _holds(plain.path, person):
            return None
        text = without_records(Path(plain.path), person, work)
        return text and replace(text, found=plain)
    except UnreadableFileError as problem:
        return str(problem)


def without_records(plain: Path, person: Person, work: Path) -> _Text | None:
    """UTF-8 text without the person's records, as a file in the work folder; None if there are none.

    Where quotes are not closed, what is a record may be another thing after a pass: it is done again until nothing is
    found, and the records are counted before and after.
    """
    source, total, is_torn = plain, 0, False
    while True:
        target = new_path(work, ".csv")
        with target.open("wb") as out:
            found = erase_records(str(source), person, out.write, work)
        if not found.count:
            break
        source, total, is_torn = target, total + found.count, is_torn or found.is_torn
        if not is_torn:
            break
    if source == plain:
        return None
    if is_torn:
        before, after = (
            inspect_file(str(file), person.feed, work).records_read or 0 for file in (plain, source)
        )
        total = before - after
    return _Text(source, total, is_torn)


def _replace(path: Path, text: _Text, feed_folder: Path) -> None:
    """Put UTF-8 text in the place of a file, in the file's own encoding and compression."""
    aside = path.with_name(f".{path.name}.tmp")
    aside.unlink(missing_ok=True)
    write_like(str(text.path), aside, text.found or PlainText(str(path), "utf-8"), path)
    aside.chmod(path.stat().st_mode)
    sync(aside)
    expect_size(feed_folder, path, aside.stat().st_size)
    aside.rename(path)
    sync(path.parent)


def _holds(path: str, person: Person) -> bool:
    """Whether the bytes of a text hold the value, wherever."""
    tail = b""
    for block in text_blocks(path):
        if person.may_be_in(tail + block):
            return True
        tail = block[-4096:]
    return False


def _clear(work: Path) -> None:
    """Copies hold what is to be forgotten. Only who holds the warehouse writes to this folder."""
    for copy in work.iterdir():
        if copy.is_file():
            copy.unlink()

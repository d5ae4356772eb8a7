"""Rewrite the files that hold a person's records: landing files in their own encoding, and bundles of the archive.

Each file is written aside, synced, noted in the journal, and put in the place of the version that was read; where another
was delivered meanwhile, that one is read. A process that dies in between leaves some files rewritten and others not;
running it again does the rest.
"""

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sluice import durable
from sluice.archive.store import Archived, Bundle, list_archive, list_bundle, read_lines, restore
from sluice.forget.erase import erase_records
from sluice.forget.journal import Journal, Rewritten
from sluice.forget.person import UNDECODABLE, Person
from sluice.forget.replace import Version, replace_version
from sluice.landing.decompress import content_blocks
from sluice.landing.errors import UnreadableFileError
from sluice.landing.inspect import inspect_file
from sluice.landing.listing import list_landing_files
from sluice.landing.rewrap import text_as_found, write_like
from sluice.landing.source import PlainText, new_path, plain_text, resolve_encoding, text_blocks
from sluice.streams.shortened import expect_size

TRIES = 20
"""How often a file is read that changes while it is read."""


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


def rewrite_landing(
    landing: Path, feed: str, person: Person, work: Path, journal: Journal
) -> Iterator[Rewritten | Unreadable]:
    """Take the person out of the landing files of a feed."""
    for entry in list_landing_files(landing):
        if not entry.error and entry.file.startswith(f"{feed}/"):
            found = _rewrite_file(Path(entry.path), entry.file, landing / feed, person, work, journal)
            if found:
                yield found


def rewrite_torn(
    landing: Path, feed: str, person: Person, work: Path, journal: Journal
) -> Iterator[Unreadable]:
    """Take the person out of the torn files that streams keep beside those they landed anew."""
    for path in sorted((landing / feed).glob("_torn/*.csv*")):
        file = path.relative_to(landing).as_posix()
        found = _rewrite_file(path, file, landing / feed, person, work, journal)
        if isinstance(found, Unreadable):
            yield found


def _rewrite_file(
    path: Path, file: str, feed_folder: Path, person: Person, work: Path, journal: Journal
) -> Rewritten | Unreadable | None:
    """Take the person out of one file, in whatever version it has in the end; None: they are not in it."""
    for _ in range(TRIES):
        version = Version.of(path)
        if version is None:
            return None
        try:
            found = _without(path, person, work)
            if Version.of(path) != version:
                continue
            if isinstance(found, str):
                return Unreadable(file, found)
            if found is None:
                return None
            done = _replace(path, file, version, found, feed_folder, journal)
        except FileNotFoundError:
            continue
        finally:
            _clear(work)
        if done:
            return done
    return Unreadable(file, "It changes all the time; stop what writes it.")


def _replace(
    path: Path, file: str, version: Version, text: _Text, feed_folder: Path, journal: Journal
) -> Rewritten | None:
    """Put UTF-8 text in the place of a version of a file, in the file's own encoding; None: another has come."""
    aside = durable.Aside(path)
    try:
        write_like(str(text.path), aside.file, text.found or PlainText(str(path), "utf-8"), path)
        os.fchmod(aside.file.fileno(), version.mode)
        aside.sync()
        new = aside.path.stat()
        done = Rewritten(
            file,
            version.size_bytes,
            version.modified_ns,
            new.st_size,
            new.st_mtime_ns,
            text.erased_count,
            text.is_torn,
        )
        journal.note(done)
        expect_size(feed_folder, path, new.st_size)
        return done if replace_version(aside.path, path, version) else None
    finally:
        aside.give_up()


def rewrite_archive(
    archive: Path, feed: str, person: Person, work: Path, journal: Journal
) -> Iterator[Rewritten | Unreadable]:
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
            yield from _rewrite_bundle(path, entries, changed, newest, journal)
        _clear(work)


def _rewrite_bundle(
    path: Path,
    entries: list[Archived],
    changed: dict[str, _Text],
    newest: set[tuple[str, str]],
    journal: Journal,
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
    for rewritten in done:
        journal.note(rewritten)
    bundle.finish()
    return done


def _without(path: Path, person: Person, work: Path) -> _Text | str | None:
    """The text without the person's records; None: there are none; a text: why nobody can tell."""
    try:
        plain = resolve_encoding(plain_text(str(path), work, person.feed), work)
        may_be_in = _holds(
            text_blocks(plain.path), lambda data: person.may_be_in(data) or UNDECODABLE.encode() in data
        )
        text = without_records(Path(plain.path), person, work) if may_be_in else None
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


def _holds(blocks: Iterable[bytes], is_in: Callable[[bytes], bool]) -> bool:
    """Whether a look at some bytes says so of any of the bytes of a text."""
    tail = b""
    for block in blocks:
        if is_in(tail + block):
            return True
        tail = block[-4096:]
    return False


def stray_files(folder: Path, known: Collection[str], person: Person) -> Iterator[Unreadable]:
    """Files below a folder that are no landing files (known, by their paths below the folder above) and may hold the value:
    what is being delivered, or was never finished."""
    for path in sorted(folder.rglob("*")):
        file = path.relative_to(folder.parent).as_posix()
        if file in known or "/_torn/" in file or "/_offsets/" in file or not path.is_file():
            continue
        try:
            if _holds(content_blocks(path), person.is_written_in):
                yield Unreadable(file, "It is not delivered yet, and holds the value. Finish or remove it.")
        except (OSError, UnreadableFileError):
            yield Unreadable(file, "It is not delivered yet, and cannot be read. Finish or remove it.")


def _clear(work: Path) -> None:
    """Copies hold what is to be forgotten. Only who holds the warehouse writes to this folder."""
    for copy in work.iterdir():
        if copy.is_file():
            copy.unlink()

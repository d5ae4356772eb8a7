"""What the next build would read, without asking the warehouse: it may be held by a build."""

import datetime as dt
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sluice.landing.declared import declared_feeds
from sluice.landing.inspect import inspect_files
from sluice.landing.listing import LandingFile, list_landing_files
from sluice.landing.paths import read_path
from sluice.landing.source import content_hash
from sluice.status.published import LedgerLine

RETRIED = (
    "The file could not be opened",
    "The file changed while it was read",
    "This is not a regular file",
    "Reading the file failed",
)
"""How errors begin after which a file is tried at every build."""


@dataclass(frozen=True)
class PendingFile:
    """A file the next build would read. `why`: new, changed, retry, or again (its date was asked for). `problem`: why it
    will fail, or None."""

    file: str
    why: str
    size_bytes: int
    path: str = ""
    problem: str | None = None


def pending_files(
    landing: Path, ledger: Mapping[str, LedgerLine], start: str | None = None, end: str | None = None
) -> list[PendingFile]:
    """The files that a build would read now, in the order of their names.

    Args:
        landing: the landing folder.
        ledger: per file, the version that was seen last (read_ledger).
        start, end: the dbt vars start_date and end_date: files of those ingest dates and no others.
    """
    feeds = declared_feeds()
    found = []
    for entry in list_landing_files(landing):
        path = read_path(entry.file, entry.modified_ns, feeds)
        if entry.error or path.error:
            continue
        if start:
            why = "again" if start <= (path.ingest_date or "") <= (end or start) else None
        else:
            why = _why(entry, ledger.get(entry.file))
        if why:
            found.append(PendingFile(entry.file, why, entry.size_bytes, entry.path))
    return found


def with_problems(files: Sequence[PendingFile]) -> list[PendingFile]:
    """The same files, each looked at as a build would: those that will fail say why."""
    checked = []
    with tempfile.TemporaryDirectory(prefix="sluice-pending-") as folder:
        for feed, format_ in declared_feeds().items():
            chosen = [file for file in files if file.file.startswith(f"{feed}/")]
            for file in chosen:
                (found,) = inspect_files([file.path], [None], format_, Path(folder))
                checked.append(replace(file, problem=found.error))
                for copy in Path(folder).iterdir():
                    copy.unlink()
    return sorted(checked, key=lambda file: file.file.encode("utf-8", "surrogateescape"))


def _why(entry: LandingFile, known: LedgerLine | None) -> str | None:
    if known is None:
        return "new"
    if known.size_bytes != entry.size_bytes or known.modified_at != _instant(entry.modified_ns):
        return "changed" if known.content_hash is None or _is_other(entry, known) else None
    if known.status == "failed" and (known.error or "").startswith(RETRIED):
        return "retry"
    if (
        known.loaded_at is not None
        and _instant(entry.changed_ns) > known.loaded_at
        and _is_other(entry, known)
    ):
        return "changed"
    return None


def _is_other(entry: LandingFile, known: LedgerLine) -> bool:
    """Whether the content differs from what was read; a file that cannot be read is other, too."""
    try:
        return known.content_hash is not None and content_hash(entry.path) != known.content_hash
    except Exception:  # noqa: BLE001 - whatever it is, the build will say it
        return True


def _instant(nanoseconds: int) -> str:
    """As published, cut to microseconds."""
    microseconds = dt.timedelta(microseconds=nanoseconds // 1000)
    return (dt.datetime(1970, 1, 1) + microseconds).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

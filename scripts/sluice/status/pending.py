"""What the next build would read, without asking the warehouse: it may be held by a build."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from sluice.home import PROJECT_ROOT
from sluice.landing.listing import LandingFile, list_landing_files
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
    """A file the next build would read. `why`: new, changed, retry, or again (its date was asked for)."""

    file: str
    why: str
    size_bytes: int


def pending_files(
    landing: Path, ledger: Mapping[str, LedgerLine], start: str | None = None, end: str | None = None
) -> list[PendingFile]:
    """The files that a build would read now, in the order of their names.

    Args:
        landing: the landing folder.
        ledger: per file, the version that was seen last (read_ledger).
        start, end: the dbt vars start_date and end_date: files of those ingest dates and no others.
    """
    feeds = _feeds()
    found = []
    for entry in list_landing_files(landing):
        if entry.error or not _is_landing_file(entry, feeds):
            continue
        if start:
            why = "again" if start <= _ingest_date(entry) <= (end or start) else None
        else:
            why = _why(entry, ledger.get(entry.file))
        if why:
            found.append(PendingFile(entry.file, why, entry.size_bytes))
    return found


def _why(entry: LandingFile, known: LedgerLine | None) -> str | None:
    if known is None:
        return "new"
    if known.size_bytes != entry.size_bytes or known.modified_at != _instant(entry.modified_ns):
        return "changed"
    if known.status == "failed" and (known.error or "").startswith(RETRIED):
        return "retry"
    return None


def _is_landing_file(entry: LandingFile, feeds: list[str]) -> bool:
    """As in stg_landing__files: what cannot be a landing file is never read, but stands as failed."""
    feed, *folders, name = entry.file.split("/")
    return (
        feed in feeds
        and name.endswith((".csv", ".csv.gz"))
        and len(folders) <= 2
        and (not folders or (folders[0].startswith("ingest_date=") and _is_date(_ingest_date(entry))))
        and (len(folders) < 2 or re.fullmatch("hour=([01][0-9]|2[0-3])", folders[1]) is not None)
    )


def _ingest_date(entry: LandingFile) -> str:
    folders = entry.file.split("/")[1:-1]
    return folders[0].removeprefix("ingest_date=") if folders else _instant(entry.modified_ns)[:10]


def _is_date(text: str) -> bool:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").strftime("%Y-%m-%d") == text
    except ValueError:
        return False


def _instant(nanoseconds: int) -> str:
    """As published, cut to microseconds."""
    microseconds = dt.timedelta(microseconds=nanoseconds // 1000)
    return (dt.datetime(1970, 1, 1) + microseconds).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _feeds() -> list[str]:
    return yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text())["vars"]["feeds"]

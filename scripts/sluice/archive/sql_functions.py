"""The archive as SQL functions, for builds that read it (full refreshes, changed rules, reprocessed dates).

- `sluice_archived_files(feed, is_needed) -> STRUCT(path, file, ingest_date, size_bytes, modified_ns)[]`: the newest copy
  of each archived landing file of a feed ('': of all feeds); nothing when it is not needed. What cannot be read is left
  out, and named on standard error
- `sluice_archive_stamp(feed) -> VARCHAR`: a text that changes when the archive of a feed does; empty without one
- `sluice_archive_is_readable(feed) -> BOOLEAN`: whether nothing of a feed's archive was found unreadable
- `sluice_restore(paths, files, is_archived) -> VARCHAR[]`: the paths, where those of archived files are copies in the
  work folder with the text of the file; there is no such copy of one that cannot be read, which fails by its name
"""

import hashlib
from pathlib import Path

import duckdb

from sluice.archive.store import Archived, ArchiveError, bundles, list_archive, restore
from sluice.home import data_home
from sluice.landing.source import new_path
from sluice.stamps import say, stamp

ARCHIVED_TYPE = (
    "STRUCT(path VARCHAR, file VARCHAR, ingest_date DATE, size_bytes BIGINT, modified_ns BIGINT)[]"
)


def register_archive_functions(conn: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to one DuckDB instance. They read and write files, so no call is ever folded.
    What is unreadable is named once for each instance, which is once a build."""
    _named.clear()
    conn.create_function(
        "sluice_archived_files", _archived_files, ["VARCHAR", "BOOLEAN"], ARCHIVED_TYPE, side_effects=True
    )
    conn.create_function("sluice_archive_stamp", _archive_stamp, ["VARCHAR"], "VARCHAR", side_effects=True)
    conn.create_function(
        "sluice_archive_is_readable", _is_readable, ["VARCHAR"], "BOOLEAN", side_effects=True
    )
    conn.create_function(
        "sluice_restore", _restore, ["VARCHAR[]", "VARCHAR[]", "BOOLEAN[]"], "VARCHAR[]", side_effects=True
    )


def _archived_files(feed: str, is_needed: bool) -> list[dict]:
    if not is_needed:
        return []
    return [
        {name: getattr(entry, name) for name in ("path", "file", "ingest_date", "size_bytes", "modified_ns")}
        for entry in list_archive(data_home().archive / feed, _name)
    ]


_named: dict[Path, str] = {}
"""The unreadable files of the archive that were named, and their stamps then."""


def _name(path: Path, problem: ArchiveError) -> None:
    if _named.get(path) != stamp(path):
        _named[path] = stamp(path)
        say(f"{problem} Everything else is read.")


def _archive_stamp(feed: str) -> str:
    found = [f"{path.name} {stamp(path)}" for path in bundles(data_home().archive / feed)]
    return hashlib.sha256("\n".join(found).encode()).hexdigest() if found else ""


def _is_readable(feed: str) -> bool:
    return not any(_named.get(path) == stamp(path) for path in bundles(data_home().archive / feed))


def _restore(paths: list[str], files: list[str], is_archived: list[bool]) -> list[str]:
    work = data_home().work
    entries: dict[tuple[str, str], Archived] = {}
    readable = []
    for path, file, archived in zip(paths, files, is_archived, strict=True):
        if not archived:
            readable.append(path)
            continue
        if (path, file) not in entries:
            entries |= {
                (entry.path, entry.file): entry for entry in list_archive(Path(path).parent.parent, _name)
            }
        copy = new_path(work, ".csv")
        try:
            restore(entries[path, file], copy)
        except ArchiveError as problem:
            _name(Path(path), problem)
        readable.append(str(copy))
    return readable

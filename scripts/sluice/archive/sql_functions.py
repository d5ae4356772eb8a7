"""The archive as SQL functions, for builds that read it (full refreshes, changed rules, reprocessed dates).

- `sluice_archived_files(feed, is_needed) -> STRUCT(path, file, ingest_date, size_bytes, modified_ns)[]`: the newest copy
  of each archived landing file of a feed ('': of all feeds); nothing when it is not needed
- `sluice_restore(paths, files, is_archived) -> VARCHAR[]`: the paths, where those of archived files are copies in the
  work folder with the text of the file
"""

from pathlib import Path

import duckdb

from sluice.archive.store import Archived, list_archive, restore
from sluice.home import data_home
from sluice.landing.source import new_path

ARCHIVED_TYPE = (
    "STRUCT(path VARCHAR, file VARCHAR, ingest_date DATE, size_bytes BIGINT, modified_ns BIGINT)[]"
)


def register_archive_functions(conn: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to one DuckDB instance. They read and write files, so no call is ever folded."""
    conn.create_function(
        "sluice_archived_files", _archived_files, ["VARCHAR", "BOOLEAN"], ARCHIVED_TYPE, side_effects=True
    )
    conn.create_function(
        "sluice_restore", _restore, ["VARCHAR[]", "VARCHAR[]", "BOOLEAN[]"], "VARCHAR[]", side_effects=True
    )


def _archived_files(feed: str, is_needed: bool) -> list[dict]:
    if not is_needed:
        return []
    return [
        {name: getattr(entry, name) for name in ("path", "file", "ingest_date", "size_bytes", "modified_ns")}
        for entry in list_archive(data_home().archive / feed)
    ]


def _restore(paths: list[str], files: list[str], is_archived: list[bool]) -> list[str]:
    work = data_home().work
    entries: dict[tuple[str, str], Archived] = {}
    readable = []
    for path, file, archived in zip(paths, files, is_archived, strict=True):
        if not archived:
            readable.append(path)
            continue
        if (path, file) not in entries:
            entries |= {(entry.path, entry.file): entry for entry in list_archive(Path(path).parent.parent)}
        copy = new_path(work, ".csv")
        restore(entries[path, file], copy)
        readable.append(str(copy))
    return readable

"""The landing reader as SQL functions: list what is there, and look at files before DuckDB reads them.

- `sluice_landing_files(feed, feeds) -> JSON text`: what is below the landing folder of a feed (empty: of all), each with
  {file, feed, ingest_date, path, size_bytes, modified_ns, changed_ns, inode, error}
- `sluice_inspect(paths VARCHAR[], known_hashes VARCHAR[], feed JSON text) -> STRUCT(...)[]`, one inspection per path, in
  order; the members of the feed's text are those of FeedFormat
- `sluice_has_changed(paths, size_bytes, modified_ns, changed_ns, inode) -> BOOLEAN[]`: whether files are others than those
  that were looked at
- `sluice_published_folder() -> path`: where consumers find what was published
- `sluice_clear_work() -> number of files removed`: the copies that inspections left in the work folder
"""

from dataclasses import asdict

import duckdb
import orjson

from sluice.home import data_home
from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import FeedFormat
from sluice.landing.inspect import inspect_files
from sluice.landing.listing import LandingFile, list_landing_files
from sluice.landing.paths import read_path
from sluice.landing.source import stamp

INSPECTION_TYPE = (
    "STRUCT(number BIGINT, error VARCHAR, error_detail VARCHAR, retry BOOLEAN, is_unchanged BOOLEAN, note VARCHAR, "
    "content_hash VARCHAR, size_bytes BIGINT, modified_ns BIGINT, changed_ns BIGINT, inode BIGINT, "
    "encoding VARCHAR, is_encoding_guessed BOOLEAN, delimiter VARCHAR, header_kind VARCHAR, "
    "skipped_lines BIGINT, records_read BIGINT, fault_count BIGINT, faults_path VARCHAR, "
    "parts STRUCT(columns VARCHAR[], extra VARCHAR[], read_path VARCHAR, delimiter VARCHAR, newline VARCHAR, "
    "has_header BOOLEAN, quoted_newlines BOOLEAN, record_count BIGINT, first_line BIGINT)[], "
    "lines_path VARCHAR)[]"
)


def register_landing_functions(conn: duckdb.DuckDBPyConnection) -> None:
    """Make the two functions known to one DuckDB instance. They read the file system, so their
    results are never folded or reused (side_effects)."""
    conn.create_function(
        "sluice_landing_files", _landing_files, ["VARCHAR", "VARCHAR[]"], "VARCHAR", side_effects=True
    )
    conn.create_function(
        "sluice_inspect", _inspect, ["VARCHAR[]", "VARCHAR[]", "VARCHAR"], INSPECTION_TYPE, side_effects=True
    )
    conn.create_function(
        "sluice_has_changed", _has_changed, ["VARCHAR[]", *["BIGINT[]"] * 4], "BOOLEAN[]", side_effects=True
    )
    conn.create_function(
        "sluice_published_folder", lambda: str(data_home().published), [], "VARCHAR", side_effects=True
    )
    conn.create_function("sluice_clear_work", _clear_work, [], "BIGINT", side_effects=True)


def _landing_files(feed: str, feeds: list[str]) -> str:
    found = []
    for entry in _listing():
        if feed and not entry.file.startswith(f"{feed}/"):
            continue
        path = read_path(entry.file, entry.modified_ns, feeds)
        found.append(
            {
                **asdict(entry),
                "feed": path.feed,
                "ingest_date": path.ingest_date,
                "error": entry.error or path.error,
            }
        )
    return orjson.dumps(found).decode()


_listed: list[LandingFile] | None = None


def _listing() -> list[LandingFile]:
    """The landing zone as it was when this build first looked: all nodes see the same files."""
    global _listed  # noqa: PLW0603 - one build at a time in a process; sluice_clear_work begins the next
    if _listed is None:
        _listed = list_landing_files(data_home().landing)
    return _listed


def _inspect(paths: list[str], known_hashes: list[str | None], feed: str) -> list[dict]:
    found = inspect_files(paths, known_hashes, FeedFormat.parse(feed), data_home().work)
    return [asdict(one) for one in found]


def _has_changed(
    paths: list[str], size_bytes: list[int], modified_ns: list[int], changed_ns: list[int], inode: list[int]
) -> list[bool]:
    """A file that has gone since it was read is no other: what was read is all there was."""
    changed = []
    for path, *known in zip(paths, size_bytes, modified_ns, changed_ns, inode, strict=True):
        try:
            changed.append(tuple(stamp(path)) != tuple(known))
        except UnreadableFileError:
            changed.append(False)
    return changed


def _clear_work() -> int:
    """Only the process that holds the warehouse calls this, so no other build's copies can be here."""
    global _listed  # noqa: PLW0603
    _listed = None
    leftovers = [path for path in data_home().work.iterdir() if path.is_symlink() or path.is_file()]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)

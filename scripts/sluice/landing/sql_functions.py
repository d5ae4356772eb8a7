"""The landing reader as SQL functions: list what is there, and look at files before DuckDB reads them.

- `sluice_landing_files() -> JSON text`: a list of {path, file, size_bytes, modified_ns, error}
- `sluice_inspect(paths VARCHAR[], known_hashes VARCHAR[], feed JSON text) -> STRUCT(...)[]`, one inspection per path, in
  order; the members of the feed's text are those of FeedFormat
- `sluice_clear_work() -> number of files removed`: the copies that inspections left in the work folder
"""

from dataclasses import asdict

import duckdb
import orjson

from sluice.home import data_home
from sluice.landing.feed import FeedFormat
from sluice.landing.inspect import inspect_files
from sluice.landing.listing import list_landing_files

INSPECTION_TYPE = (
    "STRUCT(error VARCHAR, error_detail VARCHAR, retry BOOLEAN, is_unchanged BOOLEAN, note VARCHAR, "
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
    conn.create_function("sluice_landing_files", _landing_files, [], "VARCHAR", side_effects=True)
    conn.create_function(
        "sluice_inspect", _inspect, ["VARCHAR[]", "VARCHAR[]", "VARCHAR"], INSPECTION_TYPE, side_effects=True
    )
    conn.create_function("sluice_clear_work", _clear_work, [], "BIGINT", side_effects=True)


def _landing_files() -> str:
    return orjson.dumps(list_landing_files(data_home().landing)).decode()


def _inspect(paths: list[str], known_hashes: list[str | None], feed: str) -> list[dict]:
    found = inspect_files(paths, known_hashes, FeedFormat.parse(feed), data_home().work)
    return [asdict(one) for one in found]


def _clear_work() -> int:
    """Only the process that holds the warehouse calls this, so no other build's copies can be here."""
    leftovers = [path for path in data_home().work.iterdir() if path.is_symlink() or path.is_file()]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)

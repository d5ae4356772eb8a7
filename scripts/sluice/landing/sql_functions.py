"""The landing reader as SQL functions: list what is there, and look at files before DuckDB reads them.

- `sluice_landing_files() -> JSON text`: a list of {path, file, size_bytes, modified_ns, error}
- `sluice_inspect(paths VARCHAR[], known_names VARCHAR[]) -> STRUCT(...)[]`, one inspection per path, in order
- `sluice_clear_work() -> number of files removed`: the copies that inspections left in the work folder
"""

from dataclasses import fields

import duckdb
import orjson

from sluice.home import data_home
from sluice.landing.inspect import Inspection, inspect_files
from sluice.landing.listing import list_landing_files

INSPECTION_TYPE = (
    "STRUCT(error VARCHAR, retry BOOLEAN, delimiter VARCHAR, header VARCHAR[], newline VARCHAR, "
    "records_read BIGINT, read_path VARCHAR, has_header BOOLEAN, faults_path VARCHAR, fault_count BIGINT, "
    "size_bytes BIGINT, modified_ns BIGINT, quoted_newlines BOOLEAN)[]"
)


def register_landing_functions(conn: duckdb.DuckDBPyConnection) -> None:
    """Make the two functions known to one DuckDB instance. They read the file system, so their
    results are never folded or reused (side_effects)."""
    conn.create_function("sluice_landing_files", _landing_files, [], "VARCHAR", side_effects=True)
    conn.create_function(
        "sluice_inspect", _inspect, ["VARCHAR[]", "VARCHAR[]"], INSPECTION_TYPE, side_effects=True
    )
    conn.create_function("sluice_clear_work", _clear_work, [], "BIGINT", side_effects=True)


def _landing_files() -> str:
    return orjson.dumps(list_landing_files(data_home().landing)).decode()


def _inspect(paths: list[str], known_names: list[str]) -> list[dict]:
    work = data_home().work
    found = inspect_files(paths, known_names, work)
    return [{field.name: getattr(one, field.name) for field in fields(Inspection)} for one in found]


def _clear_work() -> int:
    """Only the process that holds the warehouse calls this, so no other build's copies can be here."""
    leftovers = [path for path in data_home().work.iterdir() if path.is_file()]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)

"""Publishing as SQL functions. Each takes and returns text, because the warehouse's rows travel through the staging
file, never through Python.

- `sluice_published_state(database) -> JSON text`: what a published file reflects
- `sluice_prepare_publication(database, publication) -> path of the staging file`
- `sluice_publish(database, publication) -> path of the published file`

`database` is the file's name below the published folder without `.db`: 'sluice', 'operations', 'tenants/<id>'.
"""

import json
from pathlib import Path

import duckdb

from sluice.home import data_home
from sluice.publish.apply import apply_publication, prepare_staging, published_state
from sluice.publish.spec import publication_from_json


def register_publish_functions(conn: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to one DuckDB instance. They write files, so no call is ever folded or repeated."""
    text = "VARCHAR"
    conn.create_function("sluice_published_state", _state, [text], text, side_effects=True)
    conn.create_function("sluice_prepare_publication", _prepare, [text, text], text, side_effects=True)
    conn.create_function("sluice_publish", _publish, [text, text], text, side_effects=True)


def _state(database: str) -> str:
    return json.dumps(published_state(_target(database)))


def _prepare(database: str, publication: str) -> str:
    staging = _staging(database)
    prepare_staging(staging, publication_from_json(publication))
    return str(staging)


def _publish(database: str, publication: str) -> str:
    target = _target(database)
    apply_publication(target, _staging(database), publication_from_json(publication))
    return str(target)


def _target(database: str) -> Path:
    return data_home().published / f"{database}.db"


def _staging(database: str) -> Path:
    """Beside the published files, so that a first publication is one rename on one file system."""
    return data_home().published / ".staging" / f"{database.replace('/', '-')}.db"

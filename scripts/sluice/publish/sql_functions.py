"""Publishing as SQL functions. Each takes and returns text, because the warehouse's rows travel through the staging
file, never through Python.

- `sluice_published_state(database) -> JSON text`: what a published file reflects
- `sluice_prepare_publication(database, publication) -> path of the staging file`
- `sluice_publish(publications) -> number of files`: a JSON list of pairs [database, publication], each seen only after
  those before it
- `sluice_published_files(database, publication) -> JSON text`: the files of a folder and the batch each reflects, as
  a list of {name, batch_id}; batch_id is null where the file was not published with this layout
- `sluice_publish_files(database, publication, files, keep) -> number of files`: the same for a folder of files, of
  which `files`, a JSON list of {name, is_full}, are brought up to date and all that `keep` does not name are removed

`database` is the file's name below the published folder without `.db`: 'sluice', 'operations'; of a folder its name:
'tenants'.
"""

import json
from pathlib import Path

import duckdb

from sluice.home import data_home
from sluice.publish.apply import apply_publications, prepare_staging, published_state, with_companions
from sluice.publish.files import File, layout_id, publish_files, published_files
from sluice.publish.spec import publication_from_json


def register_publish_functions(conn: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to one DuckDB instance. They write files, so no call is ever folded or repeated."""
    text = "VARCHAR"
    conn.create_function("sluice_published_state", _state, [text], text, side_effects=True)
    conn.create_function("sluice_prepare_publication", _prepare, [text, text], text, side_effects=True)
    conn.create_function("sluice_publish", _publish, [text], "BIGINT", side_effects=True)
    conn.create_function("sluice_published_files", _files, [text, text], text, side_effects=True)
    conn.create_function("sluice_publish_files", _publish_files, [text] * 4, "BIGINT", side_effects=True)


def _state(database: str) -> str:
    return json.dumps(published_state(_target(database)))


def _prepare(database: str, publication: str) -> str:
    staging = _staging(database)
    prepare_staging(staging, publication_from_json(publication))
    return str(staging)


def _publish(publications: str) -> int:
    given = json.loads(publications)
    apply_publications(
        [
            (_target(database), _staging(database), publication_from_json(json.dumps(publication)))
            for database, publication in given
        ]
    )
    return len(given)


def _files(database: str, publication: str) -> str:
    layout = layout_id(publication_from_json(publication))
    found = published_files(data_home().published / database, layout)
    return json.dumps([{"name": name, "batch_id": batch} for name, batch in sorted(found.items())])


def _publish_files(database: str, publication: str, files: str, keep: str) -> int:
    staging, named = _staging(database), [File(**file) for file in json.loads(files)]
    publish_files(
        data_home().published / database, staging, publication_from_json(publication), named, json.loads(keep)
    )
    for leftover in with_companions(staging):
        leftover.unlink(missing_ok=True)
    return len(named)


def _target(database: str) -> Path:
    return data_home().published / f"{database}.db"


def _staging(database: str) -> Path:
    """Beside the published files, so that a first publication is one rename on one file system."""
    return data_home().published / ".staging" / f"{database.replace('/', '-')}.db"

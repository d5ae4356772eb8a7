"""Publishing as SQL functions. Each takes and returns text, because the warehouse's rows travel through the staging
file, never through Python.

- `sluice_published_state(database) -> JSON text`: what a published file reflects
- `sluice_prepare_publication(database, publication) -> path of the staging file`
- `sluice_publish(publications) -> BOOLEAN`: a JSON list of pairs [database, publication], each seen only after those
  before it; false when a file turned out to be damaged: it was removed, and all of them have to be staged again
- `sluice_published_files(database) -> JSON text`: the files of a folder, as a list of {name, is_noted}; is_noted tells
  whether a file is as the last build left it
- `sluice_publish_files(database, publication, files, keep) -> BOOLEAN`: the same for a folder of files, of
  which `files`, a JSON list of {name, is_full}, are brought up to date and all that `keep` does not name are removed

`database` is the file's name below the published folder without `.db`: 'sluice', 'operations'; of a folder its name:
'tenants'.
"""

import json
import sqlite3
from pathlib import Path

import duckdb

from sluice.home import data_home
from sluice.publish.apply import apply_publications, prepare_staging
from sluice.publish.files import File, publish_files, published_files
from sluice.publish.spec import publication_from_json
from sluice.publish.state import note_published, published_state
from sluice.stamps import clear, is_sound, say


def register_publish_functions(conn: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to one DuckDB instance. They write files, so no call is ever folded or repeated."""
    text = "VARCHAR"
    conn.create_function("sluice_published_state", _state, [text], text, side_effects=True)
    conn.create_function("sluice_prepare_publication", _prepare, [text, text], text, side_effects=True)
    conn.create_function("sluice_publish", _publish, [text], "BOOLEAN", side_effects=True)
    conn.create_function("sluice_published_files", _files, [text], text, side_effects=True)
    conn.create_function("sluice_publish_files", _publish_files, [text] * 4, "BOOLEAN", side_effects=True)


def _state(database: str) -> str:
    return json.dumps(published_state(_target(database)))


def _prepare(database: str, publication: str) -> str:
    staging = _staging(database)
    prepare_staging(staging, publication_from_json(publication))
    return str(staging)


def _publish(publications: str) -> bool:
    given = [
        (_target(database), _staging(database), publication_from_json(json.dumps(publication)))
        for database, publication in json.loads(publications)
    ]
    targets = [target for target, _, _ in given]
    try:
        apply_publications(given)
    except sqlite3.DatabaseError:
        damaged = [target for target in targets if target.exists() and not is_sound(target)]
        for target in damaged:
            say(f"{target} is damaged; it is made again.")
            clear(target)
        if not damaged:
            raise
        return False
    note_published(targets)
    return True


def _files(database: str) -> str:
    found = published_files(data_home().published / database)
    return json.dumps([{"name": name, "is_noted": is_noted} for name, is_noted in sorted(found.items())])


def _publish_files(database: str, publication: str, files: str, keep: str) -> bool:
    staging, named = _staging(database), [File(**file) for file in json.loads(files)]
    is_done = publish_files(
        data_home().published / database, staging, publication_from_json(publication), named, json.loads(keep)
    )
    clear(staging)
    return is_done


def _target(database: str) -> Path:
    return data_home().published / f"{database}.db"


def _staging(database: str) -> Path:
    """Beside the published files, so that a first publication is one rename on one file system."""
    return data_home().published / ".staging" / f"{database.replace('/', '-')}.db"

"""The client of the prediction service as SQL functions. Rows travel as files in $SLUICE_HOME/classify, so
that a million of them never become Python objects of DuckDB's making, and outlive a build that is killed.

- `sluice_prepare_classification() -> path` that the questions go to, in an empty folder
- `sluice_classify(settings JSON) -> JSON` {"message": …, "classified": n, "unanswered": n}: asks, and writes
  the answers beside the questions
- `sluice_answer_files() -> JSON` {"asked": path or null, "answers": [path, …]}: what lies there
- `sluice_clear_answers() -> number of files removed`
- `sluice_model_version() -> text`: the model that answers at SLUICE_PREDICT_URL, null when it does not say

The client, its HTTP library and asyncio are imported by the first question, not by every dbt command.
"""

import json
import os
from pathlib import Path
from typing import Any

import duckdb

from sluice import durable
from sluice.home import data_home

ASKED = "asked.parquet"


def register_classify_functions(conn: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to one DuckDB instance. They reach outside: no call is folded or repeated."""
    text = "VARCHAR"
    special: Any = {"side_effects": True, "null_handling": "special"}
    conn.create_function("sluice_prepare_classification", _prepare, [], text, **special)
    conn.create_function("sluice_classify", _classify, [text], text, **special)
    conn.create_function("sluice_answer_files", _answer_files, [], text, **special)
    conn.create_function("sluice_clear_answers", _clear, [], "BIGINT", **special)
    conn.create_function("sluice_model_version", _model_version, [], text, **special)


def _folder() -> Path:
    return data_home().root / "classify"


def _prepare() -> str:
    durable.make_folder(_folder())
    _clear()
    return str(_folder() / ASKED)


def _classify(settings: str) -> str:
    from sluice.classification.exchange import answer_file
    from sluice.classify.settings import Settings

    url = os.environ.get("SLUICE_PREDICT_URL")
    outcome = answer_file(_folder() / ASKED, _folder(), url, Settings.of(json.loads(settings)))
    return json.dumps(
        {
            "message": outcome.message,
            "classified": outcome.counts["classified"],
            "unanswered": outcome.unanswered,
        }
    )


def _answer_files() -> str:
    asked = _folder() / ASKED
    if not asked.exists():
        return json.dumps({"asked": None, "answers": []})
    return json.dumps({"asked": str(asked), "answers": sorted(map(str, _folder().glob("answers-*.parquet")))})


def _clear() -> int:
    """The questions go last: without them the answers would never be found again."""
    leftovers = sorted(
        (path for path in _folder().glob("*") if path.is_file()), key=lambda path: path.name == ASKED
    )
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


def _model_version() -> str | None:
    from sluice.classify.http import model_version

    url = os.environ.get("SLUICE_PREDICT_URL")
    return model_version(url) if url else None

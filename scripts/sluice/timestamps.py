"""Text to instant outside the build, by the very macro that parses the feeds."""

import datetime as dt
import functools
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import yaml

from sluice.home import PROJECT_ROOT

WHITE_SPACE = " \t\r\n\v\f\u00a0"
"""What the contract trims."""
_MACRO = PROJECT_ROOT / "macros" / "cleaning" / "parse_timestamp.sql"
_PROJECT = PROJECT_ROOT / "dbt_project.yml"
_CANONICAL = re.compile(
    r"(19[89]\d|20\d\d)-\d\d-\d\d[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?Z?", re.ASCII
)
"""The shape Sluice itself writes; recognised here because starting the macro's statement costs 3 ms."""
_lock = threading.Lock()


def _project_vars(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    declared = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("vars") or {}
    project = declared.get("sluice")
    return {**declared, **project} if isinstance(project, dict) else declared


def render_macro(value: str, macro: Path = _MACRO, project: Path = _PROJECT) -> str:
    """The DuckDB expression that dbt would compile `parse_timestamp(value)` to."""
    project_vars = _project_vars(project)

    def refuse(message: str) -> None:
        raise ValueError(message)

    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals |= {
        "return": lambda rendered: rendered,
        "var": lambda name, default=None: project_vars.get(name, default),
        "adapter": SimpleNamespace(dispatch=lambda name, *_: getattr(module, f"duckdb__{name}")),
        "exceptions": SimpleNamespace(raise_compiler_error=refuse),
        "target": SimpleNamespace(type="duckdb"),
    }
    module: Any = environment.from_string(macro.read_text(encoding="utf-8")).module
    return module.parse_timestamp(value)


@functools.cache
def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    expression = render_macro("text_received")
    connection.execute(
        f"prepare parse as select {expression} from (select cast($1 as varchar) as text_received)"
    )
    return connection


@functools.lru_cache(maxsize=4096)
def parse_timestamp(text: str) -> dt.datetime | None:
    """The instant (UTC, microseconds) a text stands for in any accepted format, or None."""
    trimmed = text.strip(WHITE_SPACE)
    if not trimmed or "\0" in trimmed:
        return None
    if _CANONICAL.fullmatch(trimmed):
        try:
            return dt.datetime.fromisoformat(trimmed.removesuffix("Z")).replace(tzinfo=dt.UTC)
        except ValueError:
            return None
    return parse_with_macro(trimmed)


def parse_with_macro(trimmed: str) -> dt.datetime | None:
    """The macro's own verdict on a trimmed text."""
    literal = trimmed.replace("'", "''")
    with _lock:
        row = _connection().execute(f"execute parse('{literal}')").fetchone()
    return row[0].replace(tzinfo=dt.UTC) if row and row[0] else None

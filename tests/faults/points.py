"""Where a fault can strike: the statements and system calls of each step of a build or another command.

`install` wraps them in this process. Nothing in the project knows of it: what runs is what people run.
"""

import os
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

import sluice.deliver.sqlite.apply
import sluice.deliver.tenants.files
import sluice.landing.inspect
import sluice.landing.sql_functions
from sluice import durable
from sluice.dbt_plugin import Plugin
from sluice.deliver.lake.outlet import Lake
from sluice.deliver.reports.outlet import Reports
from sluice.deliver.sqlite.outlet import SqliteFiles
from sluice.deliver.tenants.outlet import FolderOfFiles
from sluice.deliver.warehouse import Warehouse
from sluice.ingest.landing import LandingZone
from sluice.ingest.segment import Segment
from sluice.streams.lander import Lander

CALLS = (
    *("open", "scandir", "rename", "replace", "link", "symlink", "unlink", "mkdir", "rmdir"),
    *("write", "ftruncate", "fsync", "fdatasync"),
)
"""Functions of os before and after which there is a point."""

NODES = (
    (r"model\.sluice\.stg_landing__(?!files)", "stage"),
    (r"model\.sluice\.tenant_events$", "resolve"),
    (
        r"model\.sluice\.(tenant_metrics_|daily_metrics$|hourly_events$|int_\w+_counted$|quarantine_summary$)",
        "roll up",
    ),
    (r"test\.sluice\.", "test"),
)
STATEMENTS = ((r"sluice_erase\(|sluice_compact_|sluice_replace_warehouse|renewed_loads", "erase"),)
OUTLETS = ((FolderOfFiles, "tenants"), (SqliteFiles, "publish"), (Lake, "lake"), (Reports, "report"))
_NODE = re.compile(r'"node_id": "([^"]+)"')

EVERY_STEP = "every step"


class Points:
    """Counts the points of each step, and calls `strike` at every point of one step from a chosen one on."""

    def __init__(self) -> None:
        self.step: str | None = None
        self.counts: Counter[str] = Counter()
        self.target: tuple[str, int | str] | None = None
        self.strike: Callable[[bool], None] | None = None
        self.cursor: Any = None
        self.is_in_python = False
        """Whether the point is in Python's code, not at a statement."""
        self._is_striking = self._has_struck = False

    def reach(self, text: str = "") -> None:
        """A point of the present step, perhaps a statement with this text."""
        step = self.step
        if step is None or self._is_striking:
            return
        self.counts[step] += 1
        if self.strike is None or self.target is None or self.target[0] not in (step, EVERY_STEP):
            return
        at = self.target[1]
        if self._has_struck or (at in text if isinstance(at, str) else self.counts[step] >= at):
            is_first, self._has_struck, self._is_striking = not self._has_struck, True, True
            try:
                self.strike(is_first)
            finally:
                self._is_striking = False

    def around(self, function: Callable, step: str | None = None) -> Callable:
        """The function with a point before and after it, perhaps as a step of its own."""

        def called(*arguments: Any, **options: Any) -> Any:
            before, was_in_python = self.step, self.is_in_python
            self.step, self.is_in_python = step or before, True
            try:
                self.reach()
                result = function(*arguments, **options)
                self.reach()
                return result
            finally:
                self.step, self.is_in_python = before, was_in_python

        return called

    def outlet(self, function: Callable, step: str) -> Callable:
        """A method of an outlet as a part of a step, with a point before and after it."""

        def called(outlet: Any, *arguments: Any) -> Any:
            before, was_in_python = self.step, self.is_in_python
            self.step, self.is_in_python = step, True
            try:
                self.reach()
                result = function(outlet, *arguments)
                self.reach()
                return result
            finally:
                self.step, self.is_in_python = before, was_in_python

        return called

    def statements(self, function: Callable) -> Callable:
        """A method of the delivered warehouse that runs statements, with a point before and after it."""

        def called(warehouse: Any, *queries: str) -> Any:
            self.reach(" ".join(queries))
            result = function(warehouse, *queries)
            self.reach()
            return result

        return called

    def execute(self, cursor: Any, sql: str, run: Callable[[], Any]) -> Any:
        """Run a statement of dbt, as part of the step that its node or its text belongs to."""
        self.cursor = cursor
        if sql.strip() not in ("BEGIN", "COMMIT"):  # those belong to the step of the statement before
            self.step = _step_of(sql) or (None if self.step in STEPS_OF_BUILDS else self.step)
        self.reach(sql)
        result = run()
        self.reach()
        return result


STEPS_OF_BUILDS = {step for _, step in (*NODES, *STATEMENTS)}


def _step_of(sql: str) -> str | None:
    node = _NODE.search(sql)
    for pattern, step in NODES:
        if node and re.match(pattern, node[1]):
            return step
    for pattern, step in STATEMENTS:
        if not node and re.search(pattern, sql):
            return step
    return None


def install() -> Points:
    """Wrap the calls of this process."""
    points = Points()
    for name in CALLS:
        setattr(os, name, points.around(getattr(os, name)))
    durable.exchange = points.around(durable.exchange)
    for module, name in (
        (sluice.deliver.sqlite.apply, "update_table"),
        (sluice.deliver.sqlite.apply, "tidy"),
        (sluice.deliver.tenants.files, "update_table"),
        (sluice.deliver.tenants.files, "tidy"),
        (sluice.landing.inspect, "stamp"),
    ):
        setattr(module, name, points.around(getattr(module, name)))
    for kind, step in OUTLETS:
        for name in ("state", "write", "note"):
            setattr(kind, name, points.outlet(getattr(kind, name), step))
    Warehouse.rows, Warehouse.run = points.statements(Warehouse.rows), points.statements(Warehouse.run)
    functions = sluice.landing.sql_functions
    functions.list_landing_files = points.around(functions.list_landing_files, "list")
    functions.inspect_files = points.around(functions.inspect_files, "inspect")
    for kind, name, step in (
        (Segment, "__init__", "ingest"),
        (Segment, "append", "ingest"),
        (LandingZone, "land", "land"),
        (LandingZone, "recover", "land"),
        (Lander, "open", "land"),
        (Lander, "land", "land"),
    ):
        setattr(kind, name, points.around(getattr(kind, name), step))
    store, execute = Plugin.store, DuckDBCursorWrapper.execute

    def store_with_points(plugin: Plugin, config: Any) -> None:
        points.reach("store")
        store(plugin, config)
        points.reach()

    Plugin.store = store_with_points

    def execute_with_points(wrapper: Any, sql: str, bindings: Any = None) -> Any:
        return points.execute(wrapper._cursor, sql, lambda: execute(wrapper, sql, bindings))

    DuckDBCursorWrapper.execute = execute_with_points
    return points

"""dbt in this process: parsed once, then one build after the other, with the warehouse closed in between."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import yaml
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_common.events.base_types import EventMsg
from dbt_common.invocation import get_invocation_id

from sluice.holder import close_warehouse
from sluice.home import PROJECT_ROOT, data_home
from sluice.quick_dbt import spare_work_between_builds
from sluice.watch.selection import Project

WITHOUT_LOG = ("--no-write-json", "--log-level", "none", "--log-level-file", "none")
"""dbt's flags for builds that write nothing but data; see show for what is worth telling."""
GOOD = ("success", "pass", "warn", "no-op")


@dataclass(frozen=True)
class Build:
    """How a build ended. `touched`: the feeds it was about; none: all. `problems`: what failed, one line each."""

    touched: tuple[str, ...]
    seconds: float
    run_id: str
    files: int = 0
    records: int = 0
    quarantined: int = 0
    problems: tuple[str, ...] = field(default=())

    @property
    def succeeded(self) -> bool:
        """Whether everything it ran went well."""
        return not self.problems


class Builder:
    """Runs builds. Raises BuildError from the constructor when the project cannot be parsed."""

    def __init__(self) -> None:
        self._home = data_home()
        spare_work_between_builds()
        self._runner = dbtRunner(callbacks=[show])
        parsed = self._runner.invoke([*self._flags(), "parse", *self._paths()])
        if not parsed.success or not isinstance(parsed.result, Manifest):
            raise BuildError(f"the project cannot be parsed: {parsed.exception}")
        self._runner = dbtRunner(manifest=parsed.result, callbacks=[show])
        try:
            feeds = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text())["vars"]["feeds"]
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            raise BuildError(f"the project cannot be parsed: dbt_project.yml: {error}") from None
        self.project = Project(parsed.result, feeds)

    def whole(self) -> Build:
        """`dbt build`: everything. Whatever goes wrong is a problem of the build."""
        return self._build((), [])

    def of_feeds(self, changed: Sequence[str]) -> Build:
        """Build what depends on these feeds. The views must stand: a whole build of the same code came before.
        Whatever goes wrong is a problem of the build."""
        touched = self.project.touched(changed)
        variables = yaml.safe_dump({"touched_feeds": touched}, default_flow_style=True, width=10_000).strip()
        return self._build(tuple(touched), ["--vars", variables, *self.project.selection(changed)])

    def last_run(self) -> str | None:
        """The run that last published, whoever ran it."""
        rows = _rows(self._home.published / "sluice.db", "select build_id from _build")
        return rows[0][0] if rows else None

    def _build(self, touched: tuple[str, ...], arguments: list[str]) -> Build:
        started = time.monotonic()
        try:
            return self._run(touched, arguments, started)
        except Exception as error:  # a module that is imported by the build and half saved, a damaged file …
            problem = f"{type(error).__name__}: {_first_line(str(error))}"
            return Build(touched, time.monotonic() - started, "", problems=(problem,))

    def _run(self, touched: tuple[str, ...], arguments: list[str], started: float) -> Build:
        try:
            done = self._runner.invoke([*self._flags(), "build", *self._paths(), *arguments])
        finally:
            close_warehouse()
        run_id = get_invocation_id()
        problems = [
            f"{result.node.name}: {_first_line(result.message or str(result.status))}"
            for result in getattr(done.result, "results", None) or []
            if result.status not in (*GOOD, "skipped")
        ]
        if not done.success and not problems:
            problems = [_first_line(str(done.exception or "the build failed; dbt said why above"))]
        counted = _rows(
            self._home.published / "operations.db",
            "select coalesce(files_loaded, 0), coalesce(records_read, 0), coalesce(rejected_count, 0)"
            " from pipeline_runs where run_id = ?",
            run_id,
        )
        files, records, quarantined = counted[0] if counted else (0, 0, 0)
        took = time.monotonic() - started
        return Build(touched, took, run_id, files, records, quarantined, tuple(problems))

    def _flags(self) -> list[str]:
        """No artifacts and no log, because a dbt command beside it writes those. (With --quiet dbt still makes the text
        of the thousand lines that it leaves out.)"""
        return ["--no-use-colors", *WITHOUT_LOG]

    def _paths(self) -> list[str]:
        root, target = str(PROJECT_ROOT), str(self._home.work / "watch")
        return ["--project-dir", root, "--profiles-dir", root, "--target-path", target, "--log-path", target]


class BuildError(Exception):
    """Nothing can be built; the message says why."""


def show(event: EventMsg) -> None:
    """dbt's errors, and what macros print."""
    info: Any = event.info
    if info.level == "error" or info.name == "PrintEvent":
        print(info.msg, flush=True)


def _first_line(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return " ".join(lines[:2]) if lines else "no message"


def _rows(database: Any, query: str, *parameters: str) -> list[tuple]:
    """The rows of a query; none where the file or the table is not there yet."""
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        try:
            return connection.execute(query, parameters).fetchall()
        except sqlite3.Error:
            return []

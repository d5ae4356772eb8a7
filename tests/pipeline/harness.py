"""A data home under test: write landing files, build in this process, and look at the tables."""

import os
import shutil
import sqlite3
from collections.abc import Collection, Iterable
from contextlib import closing
from pathlib import Path

import duckdb
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from sluice.watch.builds import WITHOUT_LOG, close_warehouse, show

PROJECT = Path(__file__).resolve().parents[2]
UNCOMPARED = {"published_at", "build_id", "loaded_at", "modified_at", "first_seen_at"}
"""Columns that tell when something was done, not what the data say."""

UNKNOWN_AFTER_ERASURE = {"content_hash", "line"}
"""Columns not known of a file that somebody was erased from, until it is read again."""

UNCOMPARED_ROWS = {
    "file_loads": " where status in ('loaded', 'failed')",
    "alerts": " where alert not in ('stale_feed', 'future_events', 'file_shrank')",
}
"""Rows that tell of the history or depend on the clock."""


class DataHome:
    """One SLUICE_HOME. Its path stays the same between tests, so that dbt parses the project once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.landing = root / "landing"
        self.target = root.parent / "target"
        self.manifest: Manifest | None = None
        self.pii_key = "test key"

    def clear(self) -> None:
        """Start again from nothing."""
        close_warehouse()
        shutil.rmtree(self.root, ignore_errors=True)
        self.landing.mkdir(parents=True)

    def write(self, file: str, content: str | bytes, modified: float | None = None) -> Path:
        """Put a landing file in place. `modified`: seconds since 1970, to tell versions apart."""
        path = self.landing / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if modified is not None:
            os.utime(path, (modified, modified))
        return path

    def build(self, *arguments: str, expect_success: bool = True) -> dbtRunnerResult:
        """Run `dbt build` and return its result."""
        return self.dbt("build", *arguments, expect_success=expect_success)

    def dbt(self, command: str, *arguments: str, expect_success: bool = True) -> dbtRunnerResult:
        """Run a dbt command in this process. The project is parsed once: vars and the warehouse count when a
        command runs, not when it is parsed."""
        os.environ["SLUICE_HOME"] = str(self.root)
        os.environ["SLUICE_PII_KEY"] = self.pii_key
        where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        where += ["--target-path", str(self.target), "--log-path", str(self.target)]
        if self.manifest is None:
            self.manifest = dbtRunner(callbacks=[show]).invoke([*WITHOUT_LOG, "parse", *where]).result
        result = dbtRunner(manifest=self.manifest, callbacks=[show]).invoke(
            [*WITHOUT_LOG, command, *where, *arguments]
        )
        close_warehouse()
        if expect_success and not result.success:
            failures = [
                f"{run.node.name}: {run.message}"
                for run in getattr(result.result, "results", [])
                if run.status not in ("success", "pass", "skipped", "no-op")
            ]
            raise AssertionError(f"dbt {command} failed: {failures or result.exception}")
        return result

    def assert_definitions(self, result: dbtRunnerResult) -> None:
        """What entities and rollups keep is what the SQL of each model gives, which anyone can run."""
        kept = {
            run.node.name: run.node.compiled_code
            for run in result.result.results
            if getattr(run.node.config, "materialized", None) in ("entity", "rollup")
        }
        assert kept, "the build made no entity and no rollup"
        with closing(duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True)) as warehouse:
            for name, sql in kept.items():
                columns = ", ".join(f'"{row[0]}"' for row in warehouse.execute(f"describe {name}").fetchall())
                table, defined = f"(select {columns} from {name})", f"(select {columns} from ({sql}))"
                found = warehouse.execute(
                    f"(select 'too many', * from {table} except all select 'too many', * from {defined}) union all"
                    f" (select 'missing', * from {defined} except all select 'missing', * from {table})"
                ).fetchall()
                assert not found, f"{name} is not what its SQL gives: {found[:3]}"

    def opened(self) -> closing[duckdb.DuckDBPyConnection]:
        """The warehouse, to plant a fault in."""
        return closing(duckdb.connect(str(self.root / "warehouse.duckdb")))

    def query(self, sql: str) -> list[tuple]:
        """Rows of the warehouse."""
        with closing(duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True)) as warehouse:
            return warehouse.execute(sql).fetchall()

    def published(self, database: str = "sluice", without: Collection[str] = ()) -> dict[str, list[tuple]]:
        """Every published table of a database as sorted rows, without what depends on the clock and without some columns."""
        tables = {}
        with closing(sqlite3.connect(self.root / "published" / f"{database}.db")) as db:
            names = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
            for name in names:
                if name.startswith("_") or name == "pipeline_runs":
                    continue
                declared = [row[1] for row in db.execute(f'pragma table_info("{name}")')]
                columns = [column for column in declared if column not in {*UNCOMPARED, *without}]
                condition = UNCOMPARED_ROWS.get(name, "")
                listed = ", ".join(f'"{column}"' for column in columns)
                rows = db.execute(f'select {listed} from "{name}"{condition}').fetchall()
                tables[name] = sorted(rows, key=repr)
        return tables

    def everything(self, without: Collection[str] = ()) -> dict[str, list[tuple]]:
        """The tables of all published databases, for comparing two histories."""
        tables = {**self.published("sluice", without), **self.published("operations", without)}
        for path in sorted((self.root / "published" / "tenants").glob("*.db")):
            rows = self.published(f"tenants/{path.stem}", without)
            tables |= {f"tenants/{path.stem}.{name}": rows[name] for name in rows}
        return tables


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """CSV with every field that needs quotes quoted."""

    def field(value: object) -> str:
        text = "" if value is None else str(value)
        return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text

    return "\n".join(",".join(map(field, row)) for row in [list(columns), *rows]) + "\n"

"""A small data home of all six feeds, built once: what the tests of dbt's own tests and docs stand on.

Clean records `old-0` to `old-19` of each feed were built and audited; `new-0` to `new-19` came since and
were not (`dbt run` tests nothing), so the data tests of a build look at the newer ones only.
"""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner, dbtRunnerResult

from sluice.watch.builds import WITHOUT_LOG, close_warehouse, show

PROJECT = Path(__file__).resolve().parents[2]
OLD, NEW = "2026-01-13", "2026-01-14"
HEADERS = {
    "customers": "customer_id,email,country,created_at",
    "service_events": "event_id,service,event_type,timestamp,latency_ms,status_code,user_id,schema_version",
    "product_events": "event_id,customer_id,event_type,event_time,platform,session_id,duration_ms",
    "orders": "order_id,customer_id,order_time,amount,currency,status",
    "tenant_events": "event_id,tenant_id,source,event_type,timestamp,schema_version,payload",
    "transactions": "id,description,amount,timestamp,merchant,operation_type,side",
}
RECORDS = {
    "customers": "{id},{id}@example.org,DE,{day}T10:{i:02}:00Z",
    "service_events": "{id},s{i},get,{day}T10:{i:02}:00Z,{value},200,u{i},1",
    "product_events": "{id},old-{i},view,{day}T10:{i:02}:00Z,web,s1,{value}",
    "orders": "{id},old-{i},{day}T10:{i:02}:00Z,{value},EUR,paid",
    "tenant_events": '{id},acme,web,click,{day}T10:{i:02}:00Z,1,"{{""amount"": {value}}}"',
    "transactions": "{id},Lunch,{value},{day}T10:{i:02}:00Z,Cafe,card,debit",
}
BROKEN = {feed: "," * header.count(",") for feed, header in HEADERS.items()}


def _records(feed: str, tag: str, day: str) -> str:
    def record(identifier: str, number: int, value: float) -> str:
        return RECORDS[feed].format(id=identifier, i=number, day=day, value=value)

    lines = [HEADERS[feed], *(record(f"{tag}-{i}", i, 10 + i) for i in range(20))]
    lines += [record(f"{tag}-twice-{i}", i, value) for i in range(5) for value in (50, 60)]
    if feed == "service_events":  # one service whose last minute stands out
        lines += [
            f"{tag}-steady-{i},steady,get,{day}T11:{i:02}:00Z,{10**6 if i == 20 else 10},200,u1,1"
            for i in range(21)
        ]
    lines += [BROKEN[feed].replace(",,", "x,x,", 1), record(f"{tag}-large", 19, 1_000_000)]
    return "\n".join(lines) + "\n"


class SmallHome:
    """The home, with its warehouse as it was after the last build, and dbt in this process."""

    def __init__(self, root: Path, project: Path = PROJECT) -> None:
        self.project = project
        self.root = root / "home"
        self.target = root / "target"
        self.manifest: Any = None
        self._deliver("old", OLD)
        self.dbt("build")
        self._deliver("new", NEW)
        self.dbt("run")
        self.kept = root / "kept.duckdb"
        shutil.copy(self.warehouse, self.kept)

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that dbt looks at."""
        return self.root / "warehouse.duckdb"

    def _deliver(self, tag: str, day: str) -> None:
        for feed in HEADERS:
            folder = self.root / "landing" / feed / f"ingest_date={day}"
            folder.mkdir(parents=True)
            (folder / f"{tag}.csv").write_text(_records(feed, tag, day))

    def dbt(self, command: str, *arguments: str, expect_success: bool = True) -> dbtRunnerResult:
        """Run one dbt command, in an environment of its own; the project is parsed once. Returns dbt's result."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ("SLUICE_LANDING", "SLUICE_PUBLISHED"):
                patch.delenv(name, raising=False)
            patch.setenv("SLUICE_HOME", str(self.root))
            patch.setenv("SLUICE_PII_KEY", "test key")
            patch.setenv("SLUICE_UNIT_TESTS", "true")
            result = self._dbt(command, *arguments)
        if expect_success and not result.success:
            found = [f"{run.node.name}: {run.message}" for run in getattr(result.result, "results", [])
                     if run.status not in ("success", "pass", "skipped")]  # fmt: skip
            raise AssertionError(f"dbt {command} failed: {found or result.exception}")
        return result

    def _dbt(self, command: str, *arguments: str) -> dbtRunnerResult:
        where = ["--project-dir", str(self.project), "--profiles-dir", str(self.project)]
        where += ["--target-path", str(self.target), "--log-path", str(self.target)]
        if command in ("build", "test"):  # unit tests are in the manifest for those who read it
            arguments = ("--exclude-resource-type", "unit_test", *arguments)
        runner = dbtRunner(manifest=self.manifest, callbacks=[show])
        if self.manifest is None:
            self.manifest = runner.invoke([*WITHOUT_LOG, "parse", *where]).result
            runner = dbtRunner(manifest=self.manifest, callbacks=[show])
        result = runner.invoke([*WITHOUT_LOG, command, *where, *arguments])
        close_warehouse()
        return result

    def plant(self, *statements: str) -> None:
        """Change the warehouse, as it was after the last build, by SQL."""
        shutil.copy(self.kept, self.warehouse)
        with closing(duckdb.connect(str(self.warehouse))) as connection:
            for statement in statements:
                connection.execute(statement)

    def query(self, sql: str) -> list[tuple]:
        """Rows of the warehouse."""
        with closing(duckdb.connect(str(self.warehouse), read_only=True)) as connection:
            return connection.execute(sql).fetchall()

    def failure_reasons(self, *tests: str, variables: str = "{}") -> dict[str, set[str]]:
        """Run data tests, all when none is named. Returns test → failure reasons, none when it passes."""
        selection = ["--select", *tests] if tests else []
        result = self.dbt("test", *selection, "--vars", variables, expect_success=False)
        assert result.exception is None, result.exception
        assert result.result.results, f"dbt has none of the tests {tests}"
        reasons: dict[str, set[str]] = {}
        for run in result.result.results:
            if run.node.resource_type != "test":
                continue
            assert run.status in ("pass", "fail"), f"{run.node.name}: {run.message}"
            reasons[run.node.name] = set()
            if run.status == "fail":
                failures = f"({run.node.compiled_code}) as failures"
                rows = self.query(f"select distinct failure_reason from {failures}")
                reasons[run.node.name] = {row[0] for row in rows}
        return reasons

"""What a build leaves behind besides the databases: the lake and the reports, as values that can be compared."""

# ruff: noqa: E501 - rows of test tables stay on one line

import json
from pathlib import Path

import duckdb
from tests.pipeline.harness import DataHome

UNCOMPARED = {"loaded_at"}


def lake_tables(home: DataHome) -> dict[str, list[tuple]]:
    """Every table of the lake as sorted rows, partition column included, without what depends on the clock."""
    tables = {}
    for folder in sorted((home.root / "lake").glob("*/*")):
        if not any(folder.rglob("*.parquet")):
            continue
        files = f"read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"
        relation = duckdb.sql(f"from {files}")
        columns = [column for column in relation.columns if column not in UNCOMPARED]
        rows = duckdb.sql(f"select {', '.join(columns)} from {files}").fetchall()
        tables[f"{folder.parent.name}/{folder.name}"] = sorted(rows, key=repr)
    return tables


def reports(home: DataHome) -> dict[str, object]:
    """Every report, by its path below reports/; without stale feeds, which depend on the clock."""
    found = {}
    for path in sorted((home.root / "reports").rglob("*.json")):
        if path.name.startswith("."):
            continue
        report = json.loads(path.read_text())
        if "alerts" in report:
            report["alerts"] = [alert for alert in report["alerts"] if alert["alert"] != "stale_feed"]
        found[str(path.relative_to(home.root / "reports"))] = report
    return found


def inodes(tree: Path) -> dict[str, int]:
    """The identity of every file below a folder: a replaced file has another."""
    return {str(path.relative_to(tree)): path.stat().st_ino for path in tree.rglob("*") if path.is_file()}

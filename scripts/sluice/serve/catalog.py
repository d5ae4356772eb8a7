"""What the dbt YAML says about the published tables, as Datasette metadata; read again when it changes."""

import csv
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sluice.deliver.declared import Declared, declared_tables, meta_of
from sluice.home import PROJECT_ROOT
from sluice.serve.access import OPERATIONS, PUBLIC, tenant_of

if TYPE_CHECKING:
    from sluice.serve.facts import Facts

SORT_ROWS, FACET_ROWS = 2_000_000, 500_000
"""Larger tables are sorted only where an index helps, and not faceted unasked."""
TITLES = {
    PUBLIC: "Clean tables and metrics, for everybody",
    OPERATIONS: "Rejected records and the loading ledger, for operators",
    "tenants": "One tenant's events, metrics and usage",
}


@dataclass(frozen=True)
class TableDoc:
    """What the YAML says about one published table."""

    description: str
    columns: Mapping[str, str]
    units: Mapping[str, str]
    sort_desc: str | None
    facets: tuple[str, ...]


def target_folder() -> Path:
    """Where dbt leaves its artifacts."""
    return PROJECT_ROOT / (os.environ.get("DBT_TARGET_PATH") or "target")


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _table_doc(node: Mapping[str, Any], table: Declared) -> TableDoc:
    columns, units = {}, {}
    for column in table.published_columns(node["columns"]):
        documented, name = node["columns"][column], table.published_name(column)
        unit = meta_of(documented).get("unit")
        description = (
            f"{_line(documented.get('description'))} {table.as_published(column, documented)}".strip()
        )
        if unit:
            units[name] = str(unit)
        if description or unit:
            columns[name] = f"{description} [{unit}]".strip() if unit else description
    return TableDoc(
        description=_line(node.get("description")),
        columns=columns,
        units=units,
        sort_desc=table.sort_desc,
        facets=table.facets,
    )


def read_manifest(manifest: Mapping[str, Any]) -> dict[str, dict[str, TableDoc]]:
    """Database → table → documentation, of every model that says where it is published."""
    found: dict[str, dict[str, TableDoc]] = {}
    nodes = manifest.get("nodes") or {}
    for table in declared_tables(nodes):
        found.setdefault(table.database, {})[table.table] = _table_doc(nodes[table.unique_id], table)
    return found


def read_reasons(path: Path) -> dict[str, str]:
    """What each reject reason means, from the project's vocabulary."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["reject_reason"]: row["meaning"] for row in csv.DictReader(file)}
    except (OSError, KeyError):
        return {}


class Catalog:
    """The documentation of the published tables."""

    def __init__(self, target: Path | None = None) -> None:
        self.target = target or target_folder()
        self._stamp: tuple[int, int] | None = None
        self._docs: dict[str, dict[str, TableDoc]] = {}
        self._metadata: tuple[Any, dict[str, Any]] = (None, {})
        self.reasons = read_reasons(PROJECT_ROOT / "seeds" / "reject_reasons.csv")

    def docs(self) -> dict[str, dict[str, TableDoc]]:
        """Documentation by database and table, from the manifest as it is now."""
        manifest = self.target / "manifest.json"
        try:
            stat = manifest.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp != self._stamp:
                self._docs = read_manifest(json.loads(manifest.read_text(encoding="utf-8")))
                self._stamp = stamp
        except (OSError, ValueError):
            """Absent or being written: what was read before stays."""
        return self._docs

    def metadata(self, facts: Mapping[str, "Facts"]) -> dict[str, Any]:
        """Datasette's metadata; made anew when the manifest or a build changed."""
        docs = self.docs()
        key = (self._stamp, tuple((name, known.build) for name, known in facts.items()))
        if self._metadata[0] != key:
            databases = TenantDefaults(
                {
                    name: _database_metadata(name, docs.get(name, {}), facts.get(name))
                    for name in (PUBLIC, OPERATIONS)
                }
            )
            databases.for_tenants = _database_metadata("tenants", docs.get("tenants", {}), None)
            self._metadata = (key, {"title": "Sluice", "databases": databases})
        return self._metadata[1]


class TenantDefaults(dict[str, Any]):
    """Metadata per database, where every tenant's is the same."""

    for_tenants: dict[str, Any]

    def get(self, name: str, default: Any = None) -> Any:
        """A database's metadata; a tenant's without a list of tenants."""
        if name not in self and tenant_of(name) is not None:
            return self.for_tenants
        return super().get(name, default)


def _database_metadata(name: str, docs: Mapping[str, TableDoc], facts: "Facts | None") -> dict[str, Any]:
    tables = {table: _table_metadata(doc, table, facts) for table, doc in docs.items()}
    tables["_build"] = {"description": "One row: the build this file holds.", "hidden": True}
    tables["_published_batches"] = {"description": "What the publisher has brought here.", "hidden": True}
    return {"description": TITLES[name], "tables": tables}


def _table_metadata(doc: TableDoc, table: str, facts: "Facts | None") -> dict[str, Any]:
    known = facts.tables.get(table) if facts else None
    rows = (known.rows or 0) if known else 0
    columns = {name: text for name, text in doc.columns.items() if not name.startswith("_")}
    metadata: dict[str, Any] = {"description": doc.description, "columns": columns}
    if doc.units:
        metadata["units"] = {name: unit for name, unit in doc.units.items() if _is_known_unit(unit)}
    exists = known is None or doc.sort_desc in known.columns
    quick = known is None or rows <= SORT_ROWS or doc.sort_desc in known.sorted_by
    if doc.sort_desc and exists and quick:
        metadata["sort_desc"] = doc.sort_desc
    if doc.facets and rows <= FACET_ROWS:
        metadata["facets"] = [name for name in doc.facets if known is None or name in known.columns]
    return metadata


def _is_known_unit(unit: str) -> bool:
    """Whether Datasette can convert this unit in filters; it fails on one it does not know."""
    try:
        from datasette.views.base import ureg

        return bool(ureg(unit))
    except Exception:  # pint raises errors of many kinds, newer Datasettes have no units at all
        return False


def parse_in_background(catalog: Catalog) -> threading.Thread | None:
    """Let dbt write the manifest when no build has done so; pages show bare names until it is there."""
    dbt = Path(sys.executable).with_name("dbt")
    if (catalog.target / "manifest.json").exists() or not (PROJECT_ROOT / "dbt_project.yml").exists():
        return None

    def parse() -> None:
        command = [str(dbt), "parse", "--quiet", "--target-path", str(catalog.target)]
        result = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
        if result.returncode:
            print(f"sluice: no table descriptions, dbt parse failed:\n{result.stdout}", file=sys.stderr)

    thread = threading.Thread(target=parse, name="dbt-parse", daemon=True)
    thread.start()
    return thread

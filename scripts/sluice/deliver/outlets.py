"""Delivery: what leaves the warehouse at the end of a run, outlet by outlet."""

from collections.abc import Mapping
from typing import Any, Protocol

import duckdb

from sluice.deliver.lake.outlet import Lake
from sluice.deliver.reports.alerts import Alerts
from sluice.deliver.reports.outlet import Reports
from sluice.deliver.run import Run
from sluice.deliver.sqlite.outlet import DATABASES, SqliteFiles
from sluice.deliver.tenants.outlet import FolderOfFiles
from sluice.deliver.warehouse import Warehouse
from sluice.home import Home


class Outlet(Protocol):
    """Where something leaves. Each can be killed at any point: the next run does what is missing."""

    def state(self) -> Any:
        """What it reflects; None when nothing is delivered there in this run."""

    def write(self, since: Any) -> None:
        """Bring it up to date. since: what state returned."""

    def note(self) -> None:
        """Note what it reflects now."""


def deliver(cursor: duckdb.DuckDBPyConnection, home: Home, given: Mapping[str, Any]) -> dict[str, Any]:
    """Bring everything that leaves up to date, in order: tenants' files, operations.db and sluice.db, lake, reports, alerts.
    A run that is about some feeds (var touched_feeds) leaves lake and reports to the next whole run, which takes in all that
    changed since.

    Args:
        cursor: a connection to the warehouse, outside any transaction.
        home: where to.
        given: what the macro deliver hands over, see Run.
    Returns: released (feeds whose tables may be delivered), delivered (those of which all is), reflected (feed -> batch that
        every published file reflects).
    """
    run, warehouse = Run.from_dbt(given), Warehouse(cursor)
    files = SqliteFiles(home, run, warehouse)
    folders = sorted({table.database for table in run.tables} - set(DATABASES))
    outlets: list[Outlet] = [*(FolderOfFiles(home, run, warehouse, folder) for folder in folders), files]
    if not run.touched:
        outlets += [Lake(home, run, warehouse), Reports(home, run, warehouse)]
    for outlet in [*outlets, Alerts(run, warehouse)]:
        since = outlet.state()
        outlet.write(since)
        outlet.note()
    return {"released": run.released, "delivered": run.delivered_feeds, "reflected": files.reflected()}
